"""What columns are called in other systems and languages, and which field of a contact that is."""

import re
import unicodedata
from difflib import get_close_matches

# Plain forms, as `plain` makes them.
_NAMES = {
    "email": (
        "email emailaddress emailaddresses email1 email1value primaryemail workemail emailwork "
        "emailprivate privateemail mail mailaddress mailadresse emailadresse adressemail "
        "adresseemail adresseelectronique courriel correo correoelectronico emailadres eposta "
        "epost epostadresse epostadress sahkoposti adresemail indirizzoemail postaelettronica "
        "enderecodeemail contactemail customeremail useremail subscriberemail"
    ),
    "first_name": (
        "firstname first fname givenname forename vorname rufname prenom nombre nombres nome "
        "primeironome voornaam fornavn fornamn etunimi imie keresztnev contactfirstname"
    ),
    "middle_name": (
        "middlename middle mname additionalname secondname zweitername deuxiemeprenom "
        "segundonombre secondonome tussenvoegsel mellomnavn"
    ),
    "last_name": (
        "lastname last lname surname familyname nachname name2 familienname zuname nom "
        "nomdefamille apellido apellidos cognome sobrenome apelido achternaam etternavn efternavn "
        "efternamn sukunimi nazwisko vezeteknev contactlastname"
    ),
    "birthday": (
        "birthday birthdate dateofbirth dob born geburtstag geburtsdatum gebdatum gebdat "
        "datedenaissance naissance fechadenacimiento nacimiento cumpleanos datadinascita "
        "datadenascimento geboortedatum fodselsdato fodelsedatum syntymaaika dataurodzenia"
    ),
    "mobile_phone": (
        "mobile mobilephone mobilenumber mobilephonenumber cell cellphone cellular phone "
        "phonenumber phone1 phone1value telephone tel telefon telefonnummer phonemobile "
        "privatephone handy handynummer mobil mobilnummer mobiltelefon portable telephoneportable "
        "movil telefonomovil telefono cellulare telefonocellulare telemovel celular telefoon "
        "mobielnummer mobiel matkapuhelin sms smsphonenumber whatsapp homephone"
    ),
    "business_phone": (
        "businessphone workphone officephone phonework phonebusiness telefongeschaftlich "
        "telefonarbeit telefonburo geschaftlich telephoneprofessionnel telephonebureau "
        "telefonotrabajo telefonoufficio companyphone businesstelephone"
    ),
    "company_name": (
        "company companyname organization organisation organizationname organisationname "
        "organization1name account accountname employer firma firmenname unternehmen societe "
        "entreprise empresa azienda societa bedrijf bedrijfsnaam virksomhed foretag yritys"
    ),
    "job_title": (
        "jobtitle title position role occupation organization1title beruf funktion stelle "
        "position positionimunternehmen berufsbezeichnung poste fonction cargo puesto ruolo "
        "professione functie stilling yrkestitel"
    ),
    "address1": (
        "address address1 addressline1 street streetaddress streetaddress1 address1street "
        "addressline strasse strassehausnummer strasseundhausnummer strassenr anschrift adresse "
        "adresse1 rue direccion calle indirizzo via endereco rua adres straat gate gateadresse "
        "mailingaddress mailingstreet billingstreet billingaddress1 shippingaddress1"
    ),
    "city": (
        "city town locality ort stadt wohnort ville ciudad poblacion citta comune cidade plaats "
        "woonplaats stad by ort kaupunki miasto address1city mailingcity billingcity shippingcity"
    ),
    "zip": (
        "zip zipcode postalcode postcode post plz postleitzahl codepostal cp codigopostal cap "
        "codiceavviamentopostale cep postnummer postinumero kodpocztowy address1postalcode "
        "mailingzip mailingpostalcode billingzip shippingzip zippostalcode"
    ),
    "country": (
        "country countryregion countrycode countryname land staat pays pais paese nazione nation "
        "maa kraj address1country mailingcountry billingcountry shippingcountry cc"
    ),
    "state": (
        "state stateregion stateprovince province region statecode bundesland address1region "
        "mailingstate billingprovince shippingprovince usstate"
    ),
    "notes": "notes note comment comments remark remarks notiz notizen bemerkung bemerkungen "
    "kommentar anmerkung anmerkungen remarque remarques commentaire notas observaciones nota "
    "opmerking opmerkingen notat merknad description",
    "tags": (
        "tags tag taglist labels contacttags schlagworte schlagworter schlagwort etiketten "
        "etiquettes etiquetas etichette motscles"
    ),
    "guid": "guid contactguid contactguiduuid throughlineguid hubguid",
}
_ACTIVITY_NAMES = {
    "email": _NAMES["email"],
    "guid": f"{_NAMES['guid']} contact contactid",
    "type": (
        "type activitytype activity event eventname eventtype action typ ereignis aktivitat "
        "typeactivite evenement"
    ),
    "time": (
        "time timestamp date datetime at when occurredat createdat created eventtime eventdate "
        "activitytime activitydate happenedat zeit zeitpunkt datum datumuhrzeit horodatage fecha"
    ),
    "value": "value amount total revenue price wert betrag summe montant valor importe valore",
    "url": "url pageurl page link href landingpage seite adresse webaddress",
    "referrer": "referrer referer referrerurl refererurl",
    "title": "title name label subject titel betreff titre titulo",
    "id": "id eventid activityid messageid uuid",
    "properties": "properties props attributes metadata payload eigenschaften",
}
# Below this, two names have little in common; short ones resemble each other by chance.
_SIMILAR, _SHORTEST = 0.86, 5
_TRANSLITERATED = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "ł": "l", "đ": "d"})


def plain(name: str) -> str:
    """`name` in lower case, without accents and signs: “E-Mail-Adresse” is “emailadresse”."""
    lowered = unicodedata.normalize("NFKD", name.lower().translate(_TRANSLITERATED))
    return re.sub(r"[\W_]+", "", "".join(c for c in lowered if not unicodedata.combining(c)))


def _table(names: dict[str, str]) -> dict[str, str]:
    return {
        **{plain(name): field for field, text in names.items() for name in text.split()},
        # Names of fields stand for themselves.
        **{plain(field): field for field in names},
    }


_FIELDS = {"contacts": _table(_NAMES), "activities": _table(_ACTIVITY_NAMES)}


def field_called(name: str, kind: str) -> str:
    """The field of contacts or activities that is called so; "" if none is."""
    return _FIELDS[kind].get(plain(name), "")


def field_called_nearly(name: str, kind: str) -> str:
    """The field that is called nearly so, such as “Vornahme”; "" if none is."""
    text, table = plain(name), _FIELDS[kind]
    if len(text) < _SHORTEST:
        return ""
    # The number of another system is no GUID of the hub, however alike they are called.
    known = [one for one in table if len(one) >= _SHORTEST and table[one] not in ("guid", "id")]
    near = get_close_matches(text, known, n=1, cutoff=_SIMILAR)
    return table[near[0]] if near else ""
