"""A hub that is started on a backup: erased people are gone before it serves anybody."""

import shutil
import subprocess

from tests.config.hub import Hub, free_port, manage

MAKE = (
    "from contacts.models import Contact; "
    "print(Contact.objects.create(email='ada@example.com').guid); "
    "Contact.objects.create(email='bea@example.com')"
)
LIST = (
    "from contacts.models import Contact; "
    "print(list(Contact.objects.values_list('email', flat=True)))"
)


def run(home, *arguments, **changes):
    done = manage(home, *arguments, **changes)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_serve_on_a_backup_erases_again_before_it_starts_the_web(homes, tmp_path):
    home, backup = homes.copy(tmp_path / "hub"), tmp_path / "backup"
    guid = run(home, "shell", "--verbosity", "0", "--command", MAKE)
    subprocess.run(["cp", "-a", home, backup], check=True)
    run(home, "erase_contact", guid, "--reason", "A letter")
    shutil.copytree(home / "erasures", backup / "erasures", dirs_exist_ok=True)

    # With the key of another hub nobody can be looked for.
    refused = manage(backup, "serve", PORT=str(free_port()), ERASURE_KEY="another key " * 4)

    with Hub(backup) as hub:
        emails = hub.shell(LIST)

    assert refused.returncode == 1
    assert "1 erasure in" in refused.stderr
    assert "written under another ERASURE_KEY" in refused.stderr
    assert emails == "['bea@example.com']"
    assert hub.output.index("Erased again: 1 person.") < hub.output.index("Starting web")
