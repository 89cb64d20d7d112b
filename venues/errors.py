"""What can go wrong between us and a venue."""

from __future__ import annotations

from infra.errors import ErrorCode


class VenueCode(ErrorCode):
    """Codes of the `venues` room."""

    VENUE_UNKNOWN = "ccxt has no venue of this name", "correct `venue.name` in config/tickhouse.toml"
    SOURCES_INVALID = "a key of config/sources.toml is unknown or has a wrong value", "correct the key named here"
    VENUE_SYMBOL_UNKNOWN = (
        "the venue has no such symbol in this market",
        "correct `venue.symbols`: ccxt's unified names, for example BTC/USDT:USDT",
    )
    VENUE_SYMBOL_TWICE = (
        "two instruments of one connection have the same venue symbol",
        "give each market (spot, linear) its own connection",
    )
    VENUE_UNREACHABLE = "the venue did not answer, also after retries", "look at the network, or try again later"
    VENUE_BAD_ANSWER = (
        "the venue answered with something that is not its documented JSON",
        "a proxy, a maintenance page or a change at the venue: look at the excerpt, and try again later",
    )
    VENUE_STREAM_DOWN = (
        "the venue's stream ended or did not come about; it is tried again, and no new risk is taken meanwhile",
        "look at the network and the venue's status page, and that venue.name and venue.sandbox are what you meant",
    )
    VENUE_REFUSED = "the venue refused the request", "read the venue's message here"
    VENUE_PAGE_LOST = (
        "a page does not begin with the row that ended the page before",
        "nothing of this request is used; try again later",
    )
    VENUE_PAGE_STUCK = (
        "a whole page has one timestamp, so that paging by time cannot go on",
        "the venue needs a pager by id for this dataset",
    )
    VENUE_PAGE_REPEATED = (
        "the venue gives the same page again although another was asked for",
        "nothing of this request is used; a cache in between is broken: try again later",
    )
    VENUE_SINCE_IGNORED = (
        "the venue gives only its newest rows, whatever start is asked for",
        "older days are not to be had here: take them from bulk files, and new ones from live capture",
    )
    VENUE_RATE_LIMITED = (
        "the venue asks us to stay away for longer than we wait",
        "run it again after `retry_after_s` seconds; asking earlier makes the ban longer",
    )
    VENUE_NOT_OFFERED = (
        "the venue does not offer this dataset, or not at this interval", "use what it offers, or leave it out"
    )
    CLOCK_SKEW = (
        "this machine's clock is not the venue's: quotes look older or younger than they are, orders may be refused",
        "synchronise it (`timedatectl set-ntp true`, chrony or ntpd)",
    )
    VENUE_BUFFER_SMALL = "the array for decoded events is too small", "size it with codec.room_for"
    VENUE_STREAM_UNKNOWN = "no such market stream", "use one of the names given here"
