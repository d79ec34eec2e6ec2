"""InfluxDB 1 to 3, and VictoriaMetrics, behind the protocol `Store`.

`lines` makes line protocol of columns; `client` knows what differs between the versions; `answers`
what a server's answer means; `deliver` finds the bad lines of a refused batch; `catalog` is the
list of series, kept in the store itself; `reading` asks for samples; `store` puts them together.
"""

from plant.stores.influx.store import InfluxStore

__all__ = ["InfluxStore"]
