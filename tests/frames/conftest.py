"""What the tests of session text share."""

import pytest

from barkcluster import read_session


@pytest.fixture
def read(tmp_path):
    """Write text to jam.txt and read it as a session."""
    def read_text(text, **options):
        path = tmp_path / "jam.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_session(path, **options)
    return read_text
