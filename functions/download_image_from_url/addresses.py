"""The addresses that downloads may connect to: ssrfguard's table, extended for IPv4 embedded in IPv6."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_network

from ssrfguard import DEFAULT_DENIED, AddressTable, Block, Reach

_ADDED = (
    # Public IPv6 addresses are in 2000::/3; other special blocks have their own entries.
    Block(ip_network("::/0"), "not assigned as global unicast", "RFC4291", Reach.DENIED),
    Block(ip_network("2000::/3"), "Global Unicast", "RFC4291", Reach.PERMITTED),
    Block(ip_network("::ffff:0:0:0/96"), "IPv4-translated Address", "RFC2765, RFC7915", Reach.DENIED),
)
# Obsolete tunnels of IPv4 in IPv6: no pictures are served there any more, and a relay decides where such an address
# leads.
_OBSOLETE = {ip_network("::/96"), ip_network("2002::/16"), ip_network("2001::/32")}
# Interface identifiers after which the last four bytes are an IPv4 address, in any network.
_ISATAP_IDENTIFIERS = {0x0000_5EFE, 0x0200_5EFE}
_ISATAP = Block(ip_network("::/0"), "ISATAP", "RFC5214", Reach.DENIED)


class Table(AddressTable):
    """An address table that also denies ISATAP addresses, which can occur in any network."""

    def match(self, address: IPv4Address | IPv6Address) -> Block | None:
        """Return the most specific block that contains the address."""
        if isinstance(address, IPv6Address) and int(address) >> 32 & 0xFFFF_FFFF in _ISATAP_IDENTIFIERS:
            return _ISATAP
        return super().match(address)


DENIED = Table(
    (
        *(
            replace(block, reach=Reach.DENIED) if block.network in _OBSOLETE else block
            for block in DEFAULT_DENIED.blocks
        ),
        *_ADDED,
    )
)
