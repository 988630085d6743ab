"""The code that an external site puts into its pages, ready to be copied."""

import json
import re

FUNCTION_NAME = "kxt"

# What the tracker accepts as the name of its function, written for Python and JavaScript alike.
FUNCTION_NAME_PATTERN = r"^[A-Za-z_$][A-Za-z0-9_$]*$"

# Words that look like names, but cannot be called.
_RESERVED = """
    arguments await break case catch class const continue debugger default delete do else enum eval
    export extends false finally for function if implements import in instanceof interface let new
    null package private protected public return static super switch this throw true try typeof
    undefined var void while with yield
"""
RESERVED_WORDS = frozenset(_RESERVED.split())

# What is pasted where visitors are to be asked. The scripts find the elements by their ids.
CONSENT_BANNER = """\
<div id="trackingConsent">
    <div id="lblConsentText"></div>
    <button type="button" id="btnConsentAgree" hidden>Agree to be tracked</button>
    <button type="button" id="btnConsentRevoke" hidden>Revoke tracking consent</button>
</div>
"""

_LOADER = r"""    (function (w, d, s, e, n) {
        w.XperienceTrackerName = n;
        w[n] = w[n] || function () {
            (w[n].q = w[n].q || []).push(arguments);
        };
        var scriptElement = d.createElement(s);
        var scriptSection = d.getElementsByTagName(s)[0];
        scriptElement.async = 1;
        var address = e.replace(/\/+$/, '') + '/Kentico.Resource/CrossSiteTracking/Logger.js';
        try {
            // A page with Trusted Types allows this policy by its name
            var policy = { createScriptURL: function (url) { return url; } };
            address = w.trustedTypes.createPolicy('throughline', policy).createScriptURL(address);
        } catch (none) { /* No Trusted Types, or the default policy of the page decides */ }
        scriptElement.src = address;
        scriptSection.parentNode.insertBefore(scriptElement, scriptSection);
        w[n]('init', { mainSiteUrl: e, document: d, window: w });
    })(window, document, 'script', %(url)s, '%(name)s');
"""

_PLAIN = """
    // Logs a page visit
    %(name)s('pagevisit');
"""

_CONSENT_FIRST = """
    // Records nothing until the visitor agrees
    %(name)s('consentdefault', {
        allow_tracking: false,
        allow_datainput: false
    });

    // Loads the text of the consent into the banner
    %(name)s('consentdata', {
        codeName: %(consent)s,
        languageName: %(language)s,
        callback: consentData => inConsentBanner(() => {
            var text = consentData.shortText;
            try {
                // A page with Trusted Types allows this policy by its name; the text is clean
                var policy = { createHTML: html => html };
                text = trustedTypes.createPolicy('throughline-consent', policy).createHTML(text);
            } catch { /* No Trusted Types, or the default policy of the page decides */ }
            document.getElementById('lblConsentText').innerHTML = text;
        })
    });

    // Tracks visitors who have agreed before; the others see the button
    %(name)s('consentcontactstatus', {
        codeName: %(consent)s,
        callback: consentStatus => {
            if (consentStatus.isAgreed) {
                %(name)s('updateconsent', {
                    allow_tracking: true,
                    allow_datainput: true
                });
            }
            showConsent(consentStatus.isAgreed);
        }
    });

    // Logs a page visit: at once, or as soon as the visitor agrees
    %(name)s('pagevisit');

    // Records that the visitor agrees
    var trackingConsentAgree = function trackingConsentAgree() {
        %(name)s('consentagree', {
            codeName: %(consent)s,
            languageName: %(language)s,
            callback: () => {
                %(name)s('updateconsent', {
                    allow_tracking: true,
                    allow_datainput: true
                });
                showConsent(true);
            },
            onerror: error => {
                document.getElementById('lblConsentText').textContent =
                    error.type === 'error_cookies_blocked'
                        ? 'Your browser blocks cookies, so your answer cannot be kept.'
                        : 'Your answer could not be kept. Please try again later.';
            }
        });
    };

    // Records that the visitor does not agree any more
    var trackingConsentRevoke = function trackingConsentRevoke() {
        %(name)s('consentrevoke', {
            codeName: %(consent)s,
            languageName: %(language)s,
            callback: () => {
                %(name)s('updateconsent', {
                    allow_tracking: false,
                    allow_datainput: false
                });
                showConsent(false);
            }
        });
    };

    // Shows the button that fits the visitor's answer
    var showConsent = function showConsent(isAgreed) {
        inConsentBanner(() => {
            document.getElementById('lblConsentText').hidden = isAgreed;
            document.getElementById('btnConsentAgree').hidden = isAgreed;
            document.getElementById('btnConsentRevoke').hidden = !isAgreed;
        });
    };

    // The banner may come later in the page than this script
    var inConsentBanner = function inConsentBanner(change) {
        if (document.readyState === 'loading') {
            document.addEventListener('DOMContentLoaded', change);
        } else {
            change();
        }
    };

    document.addEventListener('click', event => {
        if (event.target.id === 'btnConsentAgree') trackingConsentAgree();
        if (event.target.id === 'btnConsentRevoke') trackingConsentRevoke();
    });
"""


def render(main_site_url: str, function_name: str = FUNCTION_NAME) -> str:
    """The script element that tracks page visits and reports them to `main_site_url`.

    :raises ValueError: if `function_name` cannot be the name of a function
    """
    return _script(_LOADER + _PLAIN, main_site_url, function_name)


def render_consent_first(
    main_site_url: str,
    consent: str,
    *,
    language: str = "en",
    function_name: str = FUNCTION_NAME,
) -> str:
    """The script element that records nothing until the visitor agrees to `consent`.

    `consent` is a code name, and `language` that of the text to show. The buttons and the text that
    the script works with are those of CONSENT_BANNER.

    :raises ValueError: if `function_name` cannot be the name of a function
    """
    return _script(
        _LOADER + _CONSENT_FIRST,
        main_site_url,
        function_name,
        consent=_js_string(consent),
        language=_js_string(language),
    )


def is_function_name(name: str) -> bool:
    """Whether the function of the tracker may be called `name`."""
    return bool(re.fullmatch(FUNCTION_NAME_PATTERN, name)) and name not in RESERVED_WORDS


def _script(template: str, main_site_url: str, function_name: str, **values: str) -> str:
    if not is_function_name(function_name):
        raise ValueError(f"{function_name!r} cannot be the name of a JavaScript function.")
    code = template % {"url": _js_string(main_site_url), "name": function_name, **values}
    return f'<script type="text/javascript">\n{code}</script>\n'


def _js_string(text: str) -> str:
    """`text` as a string of JavaScript that neither ends itself nor its script element."""
    inside = json.dumps(text)[1:-1].replace('\\"', '"').replace("'", "\\'")
    for character in "<>&":
        inside = inside.replace(character, f"\\u{ord(character):04x}")
    return f"'{inside}'"
