"""Image sets as files that other programs read: pictures, DICOM, datasets of nnU-Net."""
