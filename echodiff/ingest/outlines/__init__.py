"""Outlines in the files of annotation programs -> label maps: LabelMe, COCO, VGG Image Annotator and CVAT.

`file.py` tells whose file it is and reads it, `labelme.py`, `coco.py`, `via.py` and `cvat.py` say what is in it,
`listed.py` which of its pictures an image is, `picture.py` makes the label map, `polygon.py` and `runs.py` draw.
"""
