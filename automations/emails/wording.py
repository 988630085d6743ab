"""What the pages behind the links of emails say, in the languages that they know."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The sentences of the pages in one language, whose tag is `language`."""

    language: str
    preferences: str
    preferences_text: str
    agree: str
    read_more: str
    save: str
    saved: str
    everything: str
    nothing: str
    unsubscribe: str
    unsubscribe_text: str
    unsubscribed: str
    others: str
    confirm: str
    confirmed: str
    text_changed: str
    broken: str
    broken_text: str
    gone: str
    gone_text: str


_ENGLISH = Words(
    language="en",
    preferences="Your choices",
    preferences_text="Choose what you agree to. You can change it at any time.",
    agree="I agree",
    read_more="Read the whole text",
    save="Save my choices",
    saved="Your choices are saved.",
    everything="Take back everything",
    nothing="There is nothing to choose at the moment.",
    unsubscribe="Unsubscribe",
    unsubscribe_text="Do you want no more of these emails?",
    unsubscribed="You are unsubscribed. An email that is on its way may still arrive.",
    others="See all your choices",
    confirm="Please confirm",
    confirmed="Thank you. Your agreement is recorded.",
    text_changed="This text has changed meanwhile. Please read it again.",
    broken="This link does not work",
    broken_text="A part of its address is missing or was changed. Open it in the email once more, "
    "or copy the whole address.",
    gone="There is nothing here any more",
    gone_text="The email that this link comes from is no longer kept.",
)
_GERMAN = Words(
    language="de",
    preferences="Ihre Auswahl",
    preferences_text="Wählen Sie, womit Sie einverstanden sind. Sie können es jederzeit ändern.",
    agree="Ich bin einverstanden",
    read_more="Den ganzen Text lesen",
    save="Auswahl speichern",
    saved="Ihre Auswahl ist gespeichert.",
    everything="Alles widerrufen",
    nothing="Zurzeit gibt es nichts auszuwählen.",
    unsubscribe="Abmelden",
    unsubscribe_text="Möchten Sie diese E-Mails nicht mehr bekommen?",
    unsubscribed="Sie sind abgemeldet. Eine E-Mail, die schon unterwegs ist, kann noch ankommen.",
    others="Ihre ganze Auswahl ansehen",
    confirm="Bitte bestätigen Sie",
    confirmed="Danke. Ihr Einverständnis ist gespeichert.",
    text_changed="Dieser Text hat sich inzwischen geändert. Bitte lesen Sie ihn noch einmal.",
    broken="Dieser Link funktioniert nicht",
    broken_text="Ein Teil der Adresse fehlt oder wurde verändert. Öffnen Sie ihn noch einmal in "
    "der E-Mail, oder kopieren Sie die ganze Adresse.",
    gone="Hier gibt es nichts mehr",
    gone_text="Die E-Mail, aus der dieser Link stammt, ist nicht mehr gespeichert.",
)
_FRENCH = Words(
    language="fr",
    preferences="Vos choix",
    preferences_text="Choisissez ce que vous acceptez. Vous pouvez le modifier à tout moment.",
    agree="J'accepte",
    read_more="Lire le texte entier",
    save="Enregistrer mes choix",
    saved="Vos choix sont enregistrés.",
    everything="Tout retirer",
    nothing="Il n'y a rien à choisir pour le moment.",
    unsubscribe="Se désabonner",
    unsubscribe_text="Ne voulez-vous plus recevoir ces e-mails ?",
    unsubscribed="Vous êtes désabonné. Un e-mail déjà en route peut encore arriver.",
    others="Voir tous vos choix",
    confirm="Veuillez confirmer",
    confirmed="Merci. Votre accord est enregistré.",
    text_changed="Ce texte a changé entre-temps. Veuillez le relire.",
    broken="Ce lien ne fonctionne pas",
    broken_text="Une partie de l'adresse manque ou a été modifiée. Ouvrez-le de nouveau dans "
    "l'e-mail, ou copiez l'adresse entière.",
    gone="Il n'y a plus rien ici",
    gone_text="L'e-mail dont vient ce lien n'est plus conservé.",
)
_SPANISH = Words(
    language="es",
    preferences="Sus preferencias",
    preferences_text="Elija lo que acepta. Puede cambiarlo en cualquier momento.",
    agree="Acepto",
    read_more="Leer el texto completo",
    save="Guardar mis preferencias",
    saved="Sus preferencias se han guardado.",
    everything="Retirar todo",
    nothing="Por el momento no hay nada que elegir.",
    unsubscribe="Darse de baja",
    unsubscribe_text="¿No quiere recibir más correos como este?",
    unsubscribed="Se ha dado de baja. Aún puede llegar un correo que ya esté en camino.",
    others="Ver todas sus preferencias",
    confirm="Confirme, por favor",
    confirmed="Gracias. Su consentimiento se ha guardado.",
    text_changed="Este texto ha cambiado entretanto. Léalo de nuevo, por favor.",
    broken="Este enlace no funciona",
    broken_text="Falta una parte de la dirección o se ha modificado. Ábralo de nuevo en el correo "
    "o copie la dirección completa.",
    gone="Aquí ya no hay nada",
    gone_text="El correo del que viene este enlace ya no se conserva.",
)
_ITALIAN = Words(
    language="it",
    preferences="Le sue scelte",
    preferences_text="Scelga che cosa accetta. Può cambiare idea in qualsiasi momento.",
    agree="Accetto",
    read_more="Leggere il testo completo",
    save="Salvare le mie scelte",
    saved="Le sue scelte sono salvate.",
    everything="Revocare tutto",
    nothing="Al momento non c'è nulla da scegliere.",
    unsubscribe="Annullare l'iscrizione",
    unsubscribe_text="Non vuole più ricevere queste e-mail?",
    unsubscribed="L'iscrizione è annullata. Un'e-mail già in viaggio può ancora arrivare.",
    others="Vedere tutte le sue scelte",
    confirm="Confermi, per favore",
    confirmed="Grazie. Il suo consenso è registrato.",
    text_changed="Nel frattempo questo testo è cambiato. Lo rilegga, per favore.",
    broken="Questo link non funziona",
    broken_text="Una parte dell'indirizzo manca o è stata modificata. Lo apra di nuovo nell'e-mail "
    "o copi l'indirizzo completo.",
    gone="Qui non c'è più nulla",
    gone_text="L'e-mail da cui viene questo link non è più conservata.",
)
_DUTCH = Words(
    language="nl",
    preferences="Uw keuzes",
    preferences_text="Kies waarmee u akkoord gaat. U kunt het altijd veranderen.",
    agree="Ik ga akkoord",
    read_more="De hele tekst lezen",
    save="Mijn keuzes opslaan",
    saved="Uw keuzes zijn opgeslagen.",
    everything="Alles intrekken",
    nothing="Er is op dit moment niets te kiezen.",
    unsubscribe="Afmelden",
    unsubscribe_text="Wilt u deze e-mails niet meer ontvangen?",
    unsubscribed="U bent afgemeld. Een e-mail die al onderweg is, kan nog aankomen.",
    others="Al uw keuzes bekijken",
    confirm="Bevestig alstublieft",
    confirmed="Dank u. Uw toestemming is opgeslagen.",
    text_changed="Deze tekst is intussen veranderd. Lees hem alstublieft nog eens.",
    broken="Deze link werkt niet",
    broken_text="Een deel van het adres ontbreekt of is veranderd. Open de link nog eens in de "
    "e-mail, of kopieer het hele adres.",
    gone="Hier is niets meer",
    gone_text="De e-mail waar deze link uit komt, wordt niet meer bewaard.",
)
_KNOWN = {
    words.language: words for words in (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN, _DUTCH)
}


def words_in(languages: Sequence[str]) -> Words:
    """The words in the first of these languages that the pages know, else in English."""
    for language in languages:
        if words := _KNOWN.get(language.lower().replace("_", "-").partition("-")[0]):
            return words
    return _ENGLISH
