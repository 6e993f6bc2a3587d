"""Stage `ingest`: files of scanners and archives -> end-diastolic frames of one size, with label maps.

`command.py` is the command line and `run.py` takes a folder through all steps. `case.py` says what passes between them:
a case found, the frame read from it, or why it cannot be used. `frame.py` makes the square frame of all later stages.
The folders, in the order in which a case passes them:

    folder      what lies below a user's folder, what places say, tables beside the files
    readers     one a format: finds cases and reads them; what a kind of file holds
    labels      label maps in files beside the images, or predicted by a segmenter
    outlines    label maps from outlines of annotation programs
    planes      the four-chamber plane of a volume
    sector      where tissue is shown, what is drawn over it, how large a pixel is
    ed          which frame of a cine is end-diastole
    completion  wall and atrium, where a label map has the left ventricle alone
    identity    names that cannot be turned back, and what identity the files hold
    processes   carrying this out in processes that may crash, with a journal
    case_table  a row for every case found, and reasons of rejects by kind
    check       `echodiff check`: what is in a folder of unknown content
    variants    `echodiff variants`: several label maps a case
"""
