"""What a power failure would have left of files, made of the record of what was written and synced."""

import random
import struct

SECTOR = 512
RECORD = struct.Struct("<IIQQ")
# As disk.c has them.
LEFT_OUT, WRITTEN, SYNCED, TRUNCATED, SYNC_FAILED = 0, 1, 2, 3, 4
DATABASE, LOG = 0, 1
# Of a sector that was written often since it was synced, so many states are thought of.
VERSIONS = 6


def read(path):
    """The records: what was done, to which file, where, and what was written."""
    records, content, at = [], path.read_bytes(), 0
    while at < len(content):
        what, file, offset, length = RECORD.unpack_from(content, at)
        at += RECORD.size
        records.append((what, file, offset, content[at:at + length] if what == WRITTEN else b""))
        at += length if what == WRITTEN else 0
    return records


def as_normal(records):
    """The same with `synchronous = NORMAL`: the write-ahead log is synced before a checkpoint, and when
    it begins anew, but not with each commit."""
    kept = []
    for number, record in enumerate(records):
        if record[1] == LOG and record[0] in (SYNCED, SYNC_FAILED):
            following = records[number + 1] if number + 1 < len(records) else None
            begins_anew = number > 0 and records[number - 1][:3] == (WRITTEN, LOG, 0)
            if record[0] == SYNC_FAILED or not (begins_anew or following and following[1] == DATABASE):
                record = (LEFT_OUT, LOG, 0, b"")
        kept.append(record)
    return kept


class File:
    """A file by its sectors: what may stand in each of them, the last sync's state first. A sync that
    fails leaves what was written on the disk or not, and the system thinks that it is: only what is
    written anew is synced by the next one."""

    def __init__(self, content=b""):
        self.states, self.dirty, self.sizes = {}, set(), [len(content)]
        for number in range(0, len(content), SECTOR):
            self.states[number // SECTOR] = [content[number:number + SECTOR].ljust(SECTOR, b"\0")]

    def apply(self, what, offset, content):
        if what == WRITTEN:
            self.write(offset, content)
        elif what == TRUNCATED:
            self.resize(offset)
        elif what == SYNCED:
            for number in self.dirty:
                self.states[number] = self.states[number][-1:]
            self.dirty.clear()
            self.sizes = self.sizes[-1:]
        elif what == SYNC_FAILED:
            self.dirty.clear()

    def write(self, offset, content):
        end = offset + len(content)
        for number in range(offset // SECTOR, (end + SECTOR - 1) // SECTOR):
            states = self.states.setdefault(number, [bytes(SECTOR)])
            begin = number * SECTOR
            first, last = max(offset, begin) - begin, min(end, begin + SECTOR) - begin
            now = states[-1][:first] + content[begin + first - offset:begin + last - offset] + states[-1][last:]
            states.append(now)
            del states[1:-VERSIONS]
            self.dirty.add(number)
        if end > self.sizes[-1]:
            self.sizes.append(end)

    def resize(self, size):
        self.sizes.append(size)
        for number, states in self.states.items():
            if number * SECTOR >= size and states[-1] != bytes(SECTOR):
                states.append(bytes(SECTOR))
                self.dirty.add(number)

    def image(self, chance, of):
        """What is left when each sector that was not synced was written with such a chance."""
        size = self.sizes[-1] if chance > 0 and of.random() < max(chance, 0.5) else self.sizes[0]
        content = bytearray(size)
        for number, states in self.states.items():
            begin = number * SECTOR
            if begin < size:
                left = states[0] if len(states) == 1 or of.random() >= chance else of.choice(states[1:])
                content[begin:begin + SECTOR] = left[:size - begin]
        return bytes(content)


def cuts(records, count, of):
    """Where the power fails: anywhere, and every other time while the database itself is written."""
    checkpoints = [number for number, record in enumerate(records) if record[:2] == (WRITTEN, DATABASE)]
    return sorted(of.choice(checkpoints) if checkpoints and turn % 2 else of.randrange(1, len(records))
                  for turn in range(count))


def images(before, records, count, seed):
    """For so many failures: how many records there were, and what is left of database and log."""
    of, files, at = random.Random(seed), [File(before), File()], 0
    for turn, cut in enumerate(cuts(records, count, of)):
        while at < cut:
            what, file, offset, content = records[at]
            files[file].apply(what, offset, content)
            at += 1
        chance = (0, 0.05, 0.5, 0.95, 1)[turn % 5]
        yield cut, [file.image(chance, of) for file in files]
