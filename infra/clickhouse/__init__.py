"""ClickHouse's HTTP interface on top of chDB, the ClickHouse engine as a library.

One process may own a data folder; inside it any number of connections run in parallel. This package is that one
process: everybody else speaks plain ClickHouse HTTP to it, as they would to a server.
"""
