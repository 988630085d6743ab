from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "privacy"
    verbose_name = "Privacy"

    def ready(self) -> None:
        # These need the models.
        from contacts.erasing_texts import forget_in  # noqa: PLC0415
        from contacts.erasures import before_erasing, register_erasure_witness  # noqa: PLC0415
        from privacy import certificates, lifts, tellings  # noqa: PLC0415
        from privacy.access.making import forget_files_of  # noqa: PLC0415
        from privacy.models import PersonRequest, RequestEvent  # noqa: PLC0415
        from privacy.proofs.keeping import keep_agreements  # noqa: PLC0415
        from privacy.requests import erasing, telling  # noqa: PLC0415
        from privacy.retention import forgetting, people  # noqa: PLC0415

        before_erasing(forget_files_of)
        before_erasing(keep_agreements)
        lifts.register()
        tellings.register()
        telling.register()
        forgetting.register()
        # A person who waits for an answer is not erased by a rule before it.
        people.register_busy(
            "EXISTS (SELECT FROM privacy_personrequest AS request"
            " WHERE request.contact_id = contact.id AND request.status = 'open')"
        )
        # What users wrote about a request of somebody else.
        forget_in(PersonRequest, "notes", "identity_note")
        forget_in(RequestEvent, "note")
        register_erasure_witness(begun=certificates.note_beginning, done=certificates.certify)
        # After the certificate, which the request leads to.
        register_erasure_witness(begun=erasing.note_begun, done=erasing.note_done)
