"""What the robot can do, as VDA 5050 wants it told."""

from typing import Any

from edge.settings import Robot

INSTANT_ACTIONS = {
    "cancelOrder": "Stop, and forget the order.",
    "startPause": "Halt until stopPause.",
    "stopPause": "Go on after startPause; never after an emergency stop.",
    "initPosition": "Where it is: x, y, theta, mapId. It is believed once a scan agrees.",
    "stateRequest": "Send the state now.",
    "factsheetRequest": "Send this now.",
}
STATE_MIN_INTERVAL_S = 0.5
STATE_INTERVAL_S = 10.0
VISUALIZATION_INTERVAL_S = 1.0


def factsheet(robot: Robot) -> dict[str, Any]:
    """The body of the factsheet."""
    width = 2 * robot.radius_m
    return {
        "typeSpecification": {
            "seriesName": "LUNA",
            "seriesDescription": "Library delivery robot",
            "agvKinematic": "DIFF",
            "agvClass": "CARRIER",
            "maxLoadMass": 10.0,
            "localizationTypes": ["NATURAL"],
            "navigationTypes": ["AUTONOMOUS"],
        },
        "physicalParameters": {
            "speedMin": 0.0,
            "speedMax": robot.max_speed_m_s,
            "accelerationMax": robot.max_acceleration_m_s2,
            "decelerationMax": robot.max_acceleration_m_s2,
            "heightMax": 1.2,
            "width": width,
            "length": width,
        },
        "protocolLimits": {
            "maxStringLens": {"idLen": 64},
            "maxArrayLens": {
                "order.nodes": 1000,
                "order.edges": 1000,
                "node.actions": 0,
                "edge.actions": 0,
            },
            "timing": {
                "minOrderInterval": 1.0,
                "minStateInterval": STATE_MIN_INTERVAL_S,
                "defaultStateInterval": STATE_INTERVAL_S,
                "visualizationInterval": VISUALIZATION_INTERVAL_S,
            },
        },
        "protocolFeatures": {
            "optionalParameters": [],
            "agvActions": [
                {"actionType": name, "actionDescription": said, "actionScopes": ["INSTANT"]}
                for name, said in INSTANT_ACTIONS.items()
            ],
        },
        "agvGeometry": {},
        "loadSpecification": {"loadPositions": ["tray"]},
    }
