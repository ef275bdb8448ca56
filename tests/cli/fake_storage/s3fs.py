"""Stands for the package s3fs: the buckets are folders of this machine."""

import os
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem

__version__ = "2026.9.0"  # fsspec refuses old ones


class S3FileSystem(LocalFileSystem):
    """Buckets in the folder that SPEAKERZOOM_TEST_BUCKETS names."""

    protocol = "s3"

    @classmethod
    def _strip_protocol(cls, path):
        if not path.startswith("s3://"):
            return path
        return str(Path(os.environ["SPEAKERZOOM_TEST_BUCKETS"], path.removeprefix("s3://")))
