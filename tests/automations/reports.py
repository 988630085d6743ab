"""Reports by email, as mail servers and providers of mailboxes write them."""

# As Postfix writes them.
POSTFIX = """\
Return-Path: <>
From: MAILER-DAEMON@mx.alder.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: bounces@alder.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="5B1.1/mx.alder.example"

--5B1.1/mx.alder.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--5B1.1/mx.alder.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.alder.example
X-Postfix-Queue-ID: 5B1
Arrival-Date: Sun, 29 Nov 2026 12:00:00 +0000 (UTC)

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; {said}

--5B1.1/mx.alder.example
Content-Description: Undelivered Message Headers
Content-Type: {kind}

Return-Path: <bounces@alder.example>
From: Alder Bank <hub@alder.example>
To: {recipient}
Subject: Your file
Message-ID:
 <{message_id}>

--5B1.1/mx.alder.example--
"""

# As Exchange writes them: without the email, and with a code that says nothing.
WITHOUT_ORIGINAL = """\
From: postmaster@example.com
To: bounces@alder.example
Subject: Undeliverable: Your file
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/html

<p>Delivery has failed to these recipients or groups.</p>
--b
Content-Type: message/delivery-status

Reporting-MTA: dns;mail.example.com

Final-Recipient: rfc822;{recipient}
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found
--b--
"""

# RFC 5965, appendix B.
COMPLAINT = """\
From: <abusedesk@example.com>
Subject: FW: Your file
To: <bounces@alder.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
     boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report for an email message received from IP 192.0.2.1.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <hub@alder.example>
Original-Rcpt-To: <{recipient}>

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822
Content-Disposition: inline

From: <hub@alder.example>
To: <{recipient}>
Subject: Your file
MIME-Version: 1.0
Content-type: text/plain
Message-ID: <{message_id}>

It is here.
--part1_13d.2e68ed54_boundary--
"""

ANSWER = """\
From: ada@example.com
To: bounces@alder.example
Subject: Re: Your file
In-Reply-To: <{message_id}>

I am on holiday until 5.1.1 o'clock.
"""


def bounce(email, *, said="550 5.1.1 <x@example.com>: No such user", action="failed", **changes):
    """A bounce of `email` as Postfix writes them."""
    given = {
        "recipient": email.recipient,
        "message_id": email.message_id,
        "status": said.split()[1],
        "kind": "text/rfc822-headers",
        **changes,
    }
    return POSTFIX.format(said=said, action=action, **given).encode()


def complaint(email, kind="abuse"):
    """A complaint about `email`."""
    return COMPLAINT.format(
        kind=kind, recipient=email.recipient, message_id=email.message_id
    ).encode()
