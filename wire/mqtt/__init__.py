"""One MQTT connection that is kept up for ever. Only `connection` knows paho."""

from wire.mqtt.link import Broker, Limits, Message, Status, Will
from wire.mqtt.session import Session

__all__ = ["Broker", "Limits", "Message", "Session", "Status", "Will"]
