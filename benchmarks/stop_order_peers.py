"""Others that find the order of stops: dynamic programming as one would write it down, and OR-Tools."""

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.side_by_side import installed
from edge.domain.stop_order import Times

Pairs = tuple[tuple[int, int], ...]
"""Nodes of pick-ups and their deliveries."""


def limit_stops(times: Times) -> list[int]:
    """Held and Karp: for each set of stops and its last one, the least way; sets by their size."""
    count = len(times) - 1
    between = times[1:, 1:]
    sets = np.arange(1 << count)
    size = np.array([((sets >> at) & 1) for at in range(count)]).sum(axis=0)
    least = np.full((1 << count, count), np.inf)
    before = np.zeros((1 << count, count), np.int8)
    for at in range(count):
        least[1 << at, at] = times[0, at + 1]
    for seen in range(1, count):
        layer = sets[size == seen]
        for to in range(count):
            here = layer[(layer >> to) & 1 == 0]
            ways = least[here] + between[:, to]
            best = ways.argmin(axis=1)
            least[here | 1 << to, to] = ways[np.arange(len(here)), best]
            before[here | 1 << to, to] = best
    now, order = (1 << count) - 1, []
    last = int(least[now].argmin())
    while now:
        order.append(last + 1)
        now, last = now ^ 1 << last, int(before[now, last])
    return order[::-1]


def limit_pairs(times: Times, pairs: Pairs, slots: int) -> list[int]:
    """The same with three states for each pair: waiting, on board, delivered."""
    count = len(pairs)
    states = np.arange(3**count)
    digits = np.array([states // 3**at % 3 for at in range(count)])
    done, load = digits.sum(axis=0), (digits == 1).sum(axis=0)
    least = np.full((3**count, len(times)), np.inf)
    before = np.zeros((3**count, len(times)), np.int8)
    least[0, 0] = 0.0
    for seen in range(2 * count):
        layer = states[(done == seen) & (load <= slots)]
        for at, pair in enumerate(pairs):
            for digit, to in enumerate(pair):
                here = layer[digits[at][layer] == digit]
                if digit == 0:
                    here = here[load[here] < slots]
                ways = least[here] + times[:, to]
                best = ways.argmin(axis=1)
                least[here + 3**at, to] = ways[np.arange(len(here)), best]
                before[here + 3**at, to] = best
    step = {node: 3**at for at, pair in enumerate(pairs) for node in pair}
    now, order = 3**count - 1, []
    last = int(least[now].argmin())
    while last:
        order.append(last)
        now, last = now - step[last], int(before[now, last])
    return order[::-1]


def or_tools_is_there() -> bool:
    return installed("ortools") is not None


def or_tools(times: Times, pairs: Pairs, slots: int, seconds: float) -> list[int]:
    """Its guided local search, in millimetres; the end is free, at a node that is near to all."""
    solver = "ortools.constraint_solver"
    pywrapcp = importlib.import_module(f"{solver}.pywrapcp")
    enums = importlib.import_module(f"{solver}.routing_enums_pb2")
    nodes = len(times)
    grid = np.zeros((nodes + 1, nodes + 1), int)
    grid[:-1, :-1] = np.rint(times * 1000)
    manager = pywrapcp.RoutingIndexManager(nodes + 1, 1, [0], [nodes])
    routing = pywrapcp.RoutingModel(manager)
    far = grid.tolist()
    driven = routing.RegisterTransitCallback(
        lambda one, other: far[manager.IndexToNode(one)][manager.IndexToNode(other)]
    )
    routing.SetArcCostEvaluatorOfAllVehicles(driven)
    if pairs:
        _tell_pairs(routing, manager, pairs, slots, driven)
    options = pywrapcp.DefaultRoutingSearchParameters()
    first = enums.FirstSolutionStrategy
    options.first_solution_strategy = (
        first.PARALLEL_CHEAPEST_INSERTION if pairs else first.PATH_CHEAPEST_ARC
    )
    search = enums.LocalSearchMetaheuristic
    options.local_search_metaheuristic = search.GUIDED_LOCAL_SEARCH
    options.time_limit.FromMilliseconds(round(seconds * 1000))
    found = routing.SolveWithParameters(options)
    at, order = routing.Start(0), []
    while not routing.IsEnd(at):
        order.append(manager.IndexToNode(at))
        at = found.Value(routing.NextVar(at))
    return order[1:]


def _tell_pairs(routing: Any, manager: Any, pairs: Sequence[Any], slots: int, driven: int) -> None:
    loads = {node: load for pair in pairs for node, load in zip(pair, (1, -1), strict=True)}
    loaded = routing.RegisterUnaryTransitCallback(lambda at: loads.get(manager.IndexToNode(at), 0))
    routing.AddDimension(loaded, 0, slots, True, "load")
    routing.AddDimension(driven, 0, 10**9, True, "way")
    way, solver = routing.GetDimensionOrDie("way"), routing.solver()
    for pair in pairs:
        pick, drop = (manager.NodeToIndex(node) for node in pair)
        routing.AddPickupAndDelivery(pick, drop)
        solver.Add(routing.VehicleVar(pick) == routing.VehicleVar(drop))
        solver.Add(way.CumulVar(pick) <= way.CumulVar(drop))
