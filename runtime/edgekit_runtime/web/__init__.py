"""A web: a frame without end, inspected strip by strip in bounded memory. There are no clocks and no threads here."""
