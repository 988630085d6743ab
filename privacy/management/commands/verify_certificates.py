"""manage.py verify_certificates: whether all certificates of erasures are as they were written."""

import json
import sys

from django.core.management.base import BaseCommand

from privacy.verifying import verify


class Command(BaseCommand):
    help = (
        "Verify the certificates of erasures against each other and the file of erasures. What is "
        "wrong is said on stderr, and the exit code is 1 then."
    )

    def handle(self, **options) -> None:
        result = verify()
        for text in [*(problem.text for problem in result.problems), *result.notes]:
            self.stderr.write(text)
        self.stdout.write(json.dumps({"certificates": result.count, "ok": result.is_ok}))
        if not result.is_ok:
            sys.exit(1)
