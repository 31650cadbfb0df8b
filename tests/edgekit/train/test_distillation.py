"""Learning from a teacher: the limits of its weight, its gradients, and where it looks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from edgekit.models import MODELS
from edgekit.train.distillation import Teacher, attend, compare_attention, record_features
from edgekit.train.recipe import Distillation, Objective
from edgekit.train.task_table import make_task
from edgekit.train.tasks import TrainingTask
from edgekit_runtime.errors import UsageProblem
from tests.edgekit.train.arrays import ArrayDataset, draw_pixels, make_batch

LABELS = ("a", "b", "c")
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randn(4, 1, 8, 8, generator=GENERATOR)
TRUTH = (np.random.default_rng(0).random((4, 8, 8)) < 0.4).astype(np.uint8)
BATCH = make_batch(np.zeros((4, 8, 8), np.uint8), TRUTH)


def make_network(seed: int, *, width: int = 3, side: int = 8, stride: int = 1) -> nn.Module:
    """A network that answers one logit per pixel; its hidden maps have another resolution where a stride is given."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1, stride=stride),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Upsample((side, side)),
            nn.Conv2d(width, 1, 1),
        )


def segmenting() -> TrainingTask:
    return make_task(MODELS.get("cheapnet-s"), draw_pixels((8, 8)), Objective("bce"))


def classifying() -> TrainingTask:
    dataset = ArrayDataset([np.zeros((4, 4), np.uint8)] * 3, labels=[0, 1, 2], names=LABELS)
    return make_task(MODELS.get("shufflenet-v2-0.5").for_classes(LABELS), dataset, Objective("ce"))


def run(student: nn.Module, teacher: nn.Module, choice: Distillation) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the student's whole loss and its loss against the truth."""
    task = segmenting()
    guide = Teacher(teacher, choice)
    with record_features(student, active=guide.compares_features) as features:
        answers = student(IMAGES)
    truth_loss = task.loss(answers, BATCH)
    return guide.loss(IMAGES, answers, features, truth_loss, batch=BATCH, task=task), truth_loss


def value_of(loss: torch.Tensor) -> float:
    return float(loss.detach())


def test_without_a_share_the_loss_is_that_of_the_truth() -> None:
    whole, truth = run(make_network(0), make_network(1), Distillation(logit_weight=0.0))
    assert value_of(whole) == value_of(truth)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_with_the_whole_share_it_is_t_squared_times_the_softened_distance(temperature: float) -> None:
    student, teacher = make_network(0), make_network(1)
    whole, _ = run(student, teacher, Distillation(logit_weight=1.0, temperature=temperature))
    with torch.no_grad():
        own, wanted = student(IMAGES), teacher.eval()(IMAGES)
        softened = torch.sigmoid(wanted / temperature)
        expected = F.binary_cross_entropy_with_logits(own / temperature, softened) * temperature**2
    assert value_of(whole) == pytest.approx(float(expected), rel=1e-6)


def test_a_teacher_with_exits_teaches_by_its_last_answer() -> None:
    class Exits(nn.Module):
        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            first: torch.Tensor = make_network(2).eval()(images)
            return first, make_network(1).eval()(images)

    choice = Distillation(logit_weight=1.0)
    expected, _ = run(make_network(0), make_network(1), choice)
    assert value_of(run(make_network(0), Exits(), choice)[0]) == value_of(expected)
    assert value_of(run(make_network(0), make_network(2), choice)[0]) != value_of(expected)


def test_the_factor_keeps_the_gradients_size() -> None:
    """Hinton et al.: softened gradients scale with 1 / T²; with T² their size hardly depends on T."""
    sizes = []
    for temperature in (8.0, 16.0):
        student = make_network(0)
        whole, _ = run(student, make_network(1), Distillation(logit_weight=1.0, temperature=temperature))
        whole.backward()
        sizes.append(float(student[4].weight.grad.norm()))
    assert sizes[1] == pytest.approx(sizes[0], rel=0.1)


def test_a_share_in_between_mixes() -> None:
    pair = make_network(0), make_network(1)
    half, truth = run(*pair, Distillation(logit_weight=0.5, temperature=1.0))
    imitation, _ = run(*pair, Distillation(logit_weight=1.0, temperature=1.0))
    assert value_of(half) == pytest.approx((value_of(truth) + value_of(imitation)) / 2, rel=1e-6)


@pytest.mark.parametrize("feature_weight", [0.0, 1.0])
def test_gradients_reach_the_student_only_and_the_teacher_stays_as_it_is(feature_weight: float) -> None:
    student, teacher = make_network(0), make_network(1, width=5)
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    whole, _ = run(student, teacher, Distillation(1.0, feature_weight))
    whole.backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in student[4].parameters())
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert not teacher.training
    assert all(torch.equal(teacher.state_dict()[name], tensor) for name, tensor in before.items())


def test_the_teachers_answer_is_best_imitated_by_itself() -> None:
    teacher = make_network(1).eval()
    own, _ = run(teacher, teacher, Distillation(1.0))
    other, _ = run(make_network(0), teacher, Distillation(1.0))
    assert own < other


def test_padding_is_not_imitated() -> None:
    task = segmenting()
    counts = np.zeros((1, 4, 4), bool)
    counts[0, :2, :3] = True
    padded = make_batch(np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4, 4), np.uint8), counts)
    alone = make_batch(np.zeros((1, 2, 3), np.uint8), np.zeros((1, 2, 3), np.uint8))
    student, teacher = (torch.randn(1, 1, 4, 4, generator=GENERATOR) for _ in range(2))
    found = task.distance(student, teacher, padded)
    assert float(found) == pytest.approx(
        float(task.distance(student[..., :2, :3], teacher[..., :2, :3], alone)), rel=1e-6
    )


def test_softened_answers_keep_their_digits_in_16_bits() -> None:
    network = make_network(1).eval()
    answers = torch.randn(4, 1, 8, 8, generator=GENERATOR)
    with torch.autocast("cpu", torch.bfloat16):
        wanted = network(IMAGES).detach()
        assert wanted.dtype == torch.bfloat16
        teacher = Teacher(network, Distillation(1.0, temperature=3.0))
        loss = teacher.loss(IMAGES, answers, {}, torch.zeros(()), batch=BATCH, task=segmenting())
    expected = 9 * F.binary_cross_entropy_with_logits(answers / 3, torch.sigmoid(wanted.double() / 3).float())
    # Rounded to 16 bits before the sigmoid the loss would differ from the fourth digit on.
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)


def test_classes_are_imitated_by_their_softmax() -> None:
    student, teacher = (torch.randn(2, 3, generator=GENERATOR) for _ in range(2))
    batch = make_batch(np.zeros((2, 4, 4), np.uint8), np.array([0, 1]))
    expected = -(teacher.softmax(1) * student.log_softmax(1)).sum(1).mean()
    assert float(classifying().distance(student, teacher, batch)) == pytest.approx(float(expected), rel=1e-6)


# Feature maps


def test_feature_maps_are_found_by_resolution_and_the_hooks_are_gone_after() -> None:
    network = make_network(0, stride=2).eval()
    with record_features(network) as features:
        network(IMAGES)
    assert set(features) == {(4, 4), (8, 8)}
    # The last map of a resolution that is no answer: after the ReLU at 4×4, the upsampled one at 8×8.
    assert torch.equal(features[4, 4], network[:3](IMAGES))
    assert torch.equal(features[8, 8], network[:4](IMAGES))
    features.clear()
    network(IMAGES)
    assert not features
    with record_features(network, active=False) as features:
        network(IMAGES)
    assert not features


def test_attention_by_hand() -> None:
    features = torch.zeros(1, 2, 1, 2)
    features[0, :, 0, 0] = torch.tensor([1.0, 7.0])  # mean square 25
    features[0, :, 0, 1] = torch.tensor([0.0, 0.0])
    assert attend(features).tolist() == [[1.0, 0.0]]
    features[0, :, 0, 1] = torch.tensor([5.0, 5.0])  # as active
    torch.testing.assert_close(attend(features), torch.full((1, 2), 0.5**0.5))


def test_attention_maps_of_equal_resolution_are_compared_whatever_the_widths() -> None:
    student = {(1, 2): torch.tensor([[[[1.0, 0.0]]]]).repeat(1, 3, 1, 1), (9, 9): torch.ones(1, 2, 9, 9)}
    teacher = {(1, 2): torch.tensor([[[[0.0, 1.0]]]]).repeat(1, 8, 1, 1), (5, 5): torch.ones(1, 2, 5, 5)}
    # Two unit vectors at a right angle: squared distance 2. The other resolutions have no partner.
    assert float(compare_attention(student, teacher)) == pytest.approx(2.0)
    teacher[9, 9] = torch.full((1, 4, 9, 9), 3.0)  # looks where the student looks
    assert float(compare_attention(student, teacher)) == pytest.approx(1.0)


def test_networks_without_a_common_resolution_are_refused() -> None:
    with pytest.raises(UsageProblem, match="no feature maps of one resolution") as caught:
        compare_attention({(4, 4): torch.ones(1, 2, 4, 4)}, {(5, 5): torch.ones(1, 2, 5, 5)})
    assert "--distil-features" in caught.value.remedy


def test_the_feature_weight_adds_the_distance() -> None:
    student, teacher = make_network(0), make_network(1)
    with record_features(student) as own:
        student(IMAGES)
    with record_features(teacher.eval()) as wanted, torch.no_grad():
        teacher(IMAGES)
    distance = float(compare_attention(own, wanted).detach())
    without, _ = run(make_network(0), make_network(1), Distillation(0.5))
    whole, _ = run(make_network(0), make_network(1), Distillation(0.5, feature_weight=10.0))
    assert value_of(whole - without) == pytest.approx(10 * distance, rel=1e-5)
