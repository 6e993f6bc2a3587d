"""Stage `ingest`: files of scanners and archives -> end-diastolic frames of one size, with label maps."""
