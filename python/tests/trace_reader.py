#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads a Perfetto trace with the public schema and prints what is in it.

    trace_reader.py TRACE

Needs the packages `perfetto` (its generated classes) and `protobuf` from PyPI.
The result is a JSON document; an error is anything that would not nest.
"""

import collections
import json
import sys

from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as schema

PHASES = ("held", "configuring", "moving data", "re-forming", "computing")


def packets(path):
    """The packets, one at a time."""
    with open(path, "rb") as file:
        data = memoryview(file.read())
    at = 0
    while at < len(data):
        assert data[at] == 0x0A
        at += 1
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        packet = schema.TracePacket()
        packet.ParseFromString(data[at : at + size])
        at += size
        yield packet


def main():
    tracks, names, keys, events = {}, {}, {}, []
    for number, packet in enumerate(packets(sys.argv[1])):
        assert packet.trusted_packet_sequence_id == 1
        assert not len(UnknownFieldSet(packet)) and not len(UnknownFieldSet(packet.track_event))
        if packet.HasField("interned_data"):
            for table, entries in (
                (names, packet.interned_data.event_names),
                (keys, packet.interned_data.debug_annotation_names),
            ):
                for entry in entries:
                    assert entry.iid not in table
                    table[entry.iid] = entry.name
        if packet.HasField("track_descriptor"):
            track = packet.track_descriptor
            assert track.uuid not in tracks
            assert not track.HasField("parent_uuid") or track.parent_uuid in tracks
            tracks[track.uuid] = track
        if packet.HasField("track_event"):
            events.append((packet.timestamp, number, packet.track_event))

    def place(track):
        parent = place(track.parent_uuid and tracks[track.parent_uuid]) if track.parent_uuid else []
        return parent + [track.name]

    places = {uuid: place(track) for uuid, track in tracks.items()}
    # In the order of the trace processor: by time, then as written.
    events.sort(key=lambda event: event[:2])
    stacks = collections.defaultdict(list)
    counts = collections.Counter()
    cycles = collections.Counter()
    tasks = collections.Counter()
    flows_out, flows_in = collections.Counter(), collections.Counter()
    depth = deaths = dead = 0
    for at, _, event in events:
        counts[schema.TrackEvent.Type.Name(event.type)] += 1
        flows_out.update(event.flow_ids)
        flows_in.update(event.terminating_flow_ids)
        stack = stacks[event.track_uuid]
        where = places[event.track_uuid]
        if event.type == schema.TrackEvent.TYPE_SLICE_BEGIN:
            notes = {keys[n.name_iid]: n.uint_value or n.pointer_value for n in event.debug_annotations}
            stack.append((at, event.name or names[event.name_iid], notes))
            deaths += where[-1] == "faults"
            depth = max(depth, len(stack))
        elif event.type == schema.TrackEvent.TYPE_SLICE_END:
            begin, name, _ = stack.pop()
            if not where[-1].startswith("PEA "):
                continue
            assert len(where) == 5, where
            if name in PHASES:
                cycles[name] += (at - begin) * stack[0][2].get("gang", 1)
            elif name in ("kept", "joining", "broken gang"):
                cycles[name] += at - begin
            if name == "computing":
                tasks[stack[0][1]] += 1
        elif event.type == schema.TrackEvent.TYPE_INSTANT:
            dead += names[event.name_iid] == "dead"
        elif event.type == schema.TrackEvent.TYPE_COUNTER:
            assert tracks[event.track_uuid].HasField("counter")
    assert not any(stacks.values())
    json.dump(
        {
            "events": counts,
            "phases": cycles,
            "tasks": tasks,
            "flows": len(flows_in),
            "flows_agree": set(flows_in) == set(flows_out) and set(flows_in.values()) <= {1},
            "depth": depth,
            "deaths": deaths,
            "dead": dead,
            "tracks": sorted({p[-1].rstrip("0123456789 ,()") for p in places.values()}),
        },
        sys.stdout,
    )


main()
