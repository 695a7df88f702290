"""Characters, motion and cameras as other programs read them: `gltf` and `camera`."""
