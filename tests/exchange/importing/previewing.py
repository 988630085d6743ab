"""What an undo would come to, counted in small portions."""

from exchange.importing.judging import Preview, preview_undo


def previewed(import_, most=2):
    """What `undone` of an import would say after an undo."""
    preview = Preview()
    while not preview.is_all:
        preview = preview_undo(import_, preview, most)
    return {"restored": preview.restored, "removed": preview.removed, "kept": preview.kept}
