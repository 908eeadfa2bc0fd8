"""A look at our own API from outside, the way that providers' webhooks take. It needs the standard library only."""

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Event, Thread
from urllib.parse import urlsplit

LOOK_S = 2.0  # for the whole look, with the name's resolution; a webhook's sender would wait for longer


def answers(api_url: str, within_s: float = LOOK_S) -> bool:
    """Whether `GET /health` of the API at `api_url` answers 200 within `within_s` seconds. Raises nothing.

    A proxy of the environment is not used.
    """
    ok = Event()

    def look() -> None:
        if _status(api_url, within_s) == 200:
            ok.set()

    # A thread, because neither the resolution of a name nor a slow body has a limit of its own.
    thread = Thread(target=look, name="own-api", daemon=True)
    thread.start()
    thread.join(within_s)
    return ok.is_set()


def _status(api_url: str, timeout_s: float) -> int | None:
    """The status of the answer; None: there is none."""
    url = urlsplit(api_url)
    connect = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = connect(url.netloc, timeout=timeout_s)
    try:
        connection.request("GET", f"{url.path.rstrip('/')}/health")
        return connection.getresponse().status
    except (OSError, HTTPException, ValueError):  # ValueError: a name that cannot be one
        return None
    finally:
        connection.close()
