"""torchrun whose end is one sentence: `python -m echodiff.devices.launch` takes torchrun's options.

By itself torchrun prints what each process says of the same error, and then its own traceback. Here the processes
leave their sentences to the launcher, which prints that of the first to fail.
"""

import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

LAUNCHED = "ECHODIFF_LAUNCHED"
SECONDS_TO_END = 20
ERROR_FILE = "TORCHELASTIC_ERROR_FILE"  # torchrun gives each process one to explain itself in


def main() -> None:
    """Run torchrun with the arguments of the command line; the exit status is that of the process that failed."""
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    logging.disable(logging.ERROR)  # what torch's agent says of the same error
    os.environ[LAUNCHED] = "1"
    try:
        run.main(sys.argv[1:])
    except SignalException as stopped:
        sys.exit(128 + stopped.sigval)
    except ChildFailedError as error:
        _, failure = error.get_first_failure()
        print(f"echodiff: error: {_sentence(failure)}", file=sys.stderr, flush=True)
        sys.exit(failure.exitcode if failure.exitcode > 0 else 128 - failure.exitcode)


def wait_for_the_end() -> None:
    """Let the launcher end this process, after another one has failed and explained itself."""
    if LAUNCHED in os.environ:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(SECONDS_TO_END)


def leave_sentence(sentence: str) -> bool:
    """Leave the sentence of an error to the launcher; false where there is none, or no room to write it down."""
    if LAUNCHED not in os.environ or ERROR_FILE not in os.environ:
        return False
    content = json.dumps({"message": sentence, "timestamp": int(time.time())})
    try:
        Path(os.environ[ERROR_FILE]).write_text(content, encoding="utf-8")
    except OSError:
        return False
    return True


def end(status: int) -> NoReturn:
    """End this process; at once where others train with it, as taking leave would be to wait for those who wait."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _sentence(failure) -> str:
    """What the process that failed left, or how it ended; failure: torch's ProcessFailure."""
    if "message" in failure.error_file_data:
        return failure.message
    end = signal.Signals(-failure.exitcode).name if failure.exitcode < 0 else f"status {failure.exitcode}"
    advice = "; often the memory has run out" if end == "SIGKILL" else ""
    return f"process {failure.local_rank}: expected to end well, found {end}{advice}"


if __name__ == "__main__":
    main()
