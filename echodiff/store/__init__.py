"""What lies on disk between the stages: image sets (HDF5), tables (Parquet), each written whole or not at all."""
