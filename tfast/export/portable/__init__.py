"""Small files for LiteRT and onnxruntime, and the folders they are served from."""
