"""The refiner: from raster frames and their exact passes to final frames; and how well it does that."""
