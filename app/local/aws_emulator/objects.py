"""Keeps the objects of ministack's S3: an object is on disk, whole, before its answer goes out, or it is refused.

ministack writes the bytes of an object to a file and what is known of it to another one beside it. It goes on if that
fails, takes any file for a whole object, and answers nothing for one that it cannot read. Here each of these is an
error. Only the way in that the product uses, PutObject, is answered as S3 would; the others get a plain 500.
"""

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from .commits import Commits
from .journal import NotKept, why_not

_META: Final = ".meta.json"

_log = logging.getLogger("emulator.objects")


class Objects:
    """The objects of ministack's module `s3`, which is passed in."""

    def __init__(self, s3: Any, commits: Commits) -> None:
        self._s3, self._commits = s3, commits
        self._put, self._persist = s3._put_object, s3._persist_object
        self._read, self._forget = s3._read_body, s3._delete_persisted_object
        self._why = ""

    def hook(self) -> None:
        """Be strict from now on."""
        self._s3._put_object = self._put_object
        self._s3._persist_object = self._persist_object
        self._s3._read_body = self._read_body
        self._s3._delete_persisted_object = self._delete_persisted_object
        self._s3._atomic_write = self._write_whole

    def drop_torn(self) -> int:
        """Forget what was being written when the process was killed. It was never answered. Returns how many."""
        count = 0
        for (account, name), bucket in list(self._s3._buckets._data.items()):
            for key, record in list(bucket["objects"].items()):
                path = Path(self._s3._object_disk_path(name, key, account))
                if not _is_whole(path, record["size"]):
                    del bucket["objects"][key]
                    for torn in (path, path.with_name(path.name + _META)):
                        torn.unlink(missing_ok=True)
                    count += 1
        for draft in Path(self._s3.DATA_DIR).rglob("*.tmp"):
            draft.unlink(missing_ok=True)
        if count:
            _log.warning("%d objects were being written when the emulator was killed, and are dropped", count)
        return count

    def _put_object(self, bucket_name: str, key: str, body: bytes, headers: dict[str, str]) -> Any:
        bucket = self._s3._buckets.get(bucket_name)
        before = bucket["objects"].get(key) if bucket else None
        try:
            answer = self._put(bucket_name, key, body, headers)
        except NotKept as why:
            if before is None:
                bucket["objects"].pop(key, None)
                with suppress(OSError):
                    self._s3._remove_key_files(self._s3._object_disk_path(bucket_name, key))
            else:
                bucket["objects"][key] = before
            self._commits.note_trouble(why)
            return self._s3._error("ServiceUnavailable", f"nothing can be kept: {why}", 503)
        return answer

    def _persist_object(self, bucket: str, key: str, record: Any) -> None:
        self._why = ""
        self._persist(bucket, key, record)
        if isinstance(record, dict) and record.get("body") is not None:  # ministack lets go of it once it is on disk
            raise NotKept(self._why or why_not(Path(self._s3.DATA_DIR)) or "the object cannot be written")

    def _write_whole(self, path: str, data: Any, *, text: bool = False) -> None:
        draft = f"{path}.tmp"
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data.encode() if text else data)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
            for folder in Path(path).parents[:4]:  # the folders of the object may be new as well
                _sync(folder)
        except OSError as error:
            self._why = error.strerror or str(error)
            with suppress(OSError):
                Path(draft).unlink(missing_ok=True)
            raise

    def _read_body(self, bucket_name: str, key: str, record: dict[str, Any]) -> bytes:
        body: bytes = self._read(bucket_name, key, record)
        if len(body) != record["size"]:
            raise NotKept(f"the object {key} is not whole on disk")
        return body

    def _delete_persisted_object(self, bucket_name: str, key: str) -> None:
        self._forget(bucket_name, key)
        path = Path(self._s3._object_disk_path(bucket_name, key))
        with suppress(OSError):  # a folder that is not empty
            for folder in path.parents[: key.count("/")]:
                folder.rmdir()


def _is_whole(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size and path.with_name(path.name + _META).stat().st_size > 0
    except OSError:
        return False


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
