from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "exchange"
    verbose_name = "Exchange"

    def ready(self) -> None:
        # They need the models.
        from contacts.erasing_texts import forget_in  # noqa: PLC0415
        from contacts.erasures import (  # noqa: PLC0415
            before_erasing,
            forget_texts,
            register_erasure_witness,
        )
        from contacts.removing import before_removing  # noqa: PLC0415
        from exchange.exporting.forgetting import (  # noqa: PLC0415
            forget_in_files,
            forget_in_files_of_meanwhile,
            forget_in_log,
        )
        from exchange.importing.erasing import forget_records  # noqa: PLC0415
        from exchange.importing.leaving import tell_destinations  # noqa: PLC0415
        from exchange.models import Export, Import, RememberedMapping  # noqa: PLC0415

        before_erasing(forget_records)
        before_erasing(forget_in_files)
        register_erasure_witness(done=forget_in_files_of_meanwhile)
        before_removing(tell_destinations)
        # What files are called, and what stood in a first row that was taken for names of columns.
        texts = ("name", "sheet", "headers", "mapping", "errors", "warnings", "reason")
        forget_in(Import, *texts, "last_error")
        forget_in(RememberedMapping, "mapping")
        forget_in(Export, "columns", "reason", "last_error")
        forget_texts(forget_in_log)
