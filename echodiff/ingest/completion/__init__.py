"""Labels that the source does not give: wall and atrium estimated from the left ventricle."""
