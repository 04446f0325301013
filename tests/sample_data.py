"""A sample export of a record system. The file is not part of the project; tests that need it are skipped without it."""

from pathlib import Path
from typing import Final

import pytest
from django.conf import settings

FILE: Final = Path(settings.BASE_DIR).parent / "shared/data/fhir-r4-patients-100.ndjson"

requires_sample = pytest.mark.skipif(not FILE.exists(), reason="the sample is not part of the project")
