"""A name server for tests, which the system seems to ask."""

import socket
from collections import defaultdict
from ipaddress import ip_address

from dnslib import AAAA, QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer


class NameServer(BaseResolver):
    """Tells where names lead to: `leads[name]` has the addresses of each answer, in turn.

    The last answer is told from then on. A name that it does not have does not exist.
    """

    def __init__(self):
        self.leads = {}
        self.asked = defaultdict(int)
        self._told = defaultdict(int)
        self.server = DNSServer(
            self, port=0, address="127.0.0.1", logger=DNSLogger(log="-request,-reply,-error")
        )
        self.port = self.server.server.server_address[1]
        self.server.start_thread()

    def close(self):
        self.server.stop()
        self.server.server.server_close()

    def resolve(self, request, handler):
        name = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE[request.q.qtype]
        reply = request.reply()
        if name not in self.leads:
            reply.header.rcode = RCODE.NXDOMAIN
            return reply
        self.asked[name, kind] += 1
        answers = self.leads[name]
        addresses = answers[min(self.asked[name, kind], len(answers)) - 1]
        for address in addresses:
            if (":" in address) == (kind == "AAAA"):
                data = (A, AAAA)[kind == "AAAA"](tuple(ip_address(address).packed))
                reply.add_answer(RR(request.q.qname, request.q.qtype, rdata=data, ttl=0))
        return reply

    def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):
        """What `socket.getaddrinfo` says, which asks this server about every name."""
        host = host.decode() if isinstance(host, bytes) else host
        try:
            return _system(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        except socket.gaierror:
            pass
        found = [
            (kind, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, *rest))
            for record, kind, rest in [
                ("A", socket.AF_INET, ()),
                ("AAAA", socket.AF_INET6, (0, 0)),
            ]
            if family in (0, kind)
            for address in self._ask(host, record)
        ]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found

    def _ask(self, host, kind):
        answer = DNSRecord.question(host, kind).send("127.0.0.1", self.port, timeout=5)
        return [str(record.rdata) for record in DNSRecord.parse(answer).rr]


_system = socket.getaddrinfo
