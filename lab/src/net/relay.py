"""Carries frames between ports of the bridge late, early, twice or not at all. There is no netem on the machines we test on.

    relay.py relay   in the bridge's namespace; reads orders from standard input, answers each with a line, ends with it:
        FROM TO DELAY_MS JITTER_MS DUPLICATES_PERCENT    from now on this is how it goes from port FROM to port TO
        clear                                            nothing is carried any more; what is under way arrives
    relay.py plain DEVICE   in a host's namespace: whole frames with checksums, so that they can be carried by hand

The bridge itself must not let the same frames through: that is for whoever gives the orders.
"""
import fcntl, heapq, itertools, os, random, select, socket, struct, sys, time

ETH_P_ALL = 3
OUTGOING = 4
FRAME_MAX = 65536
SIOCETHTOOL = 0x8946
# ETHTOOL_STXCSUM, _STSO, _SGSO, _SGRO: checksums and segments are made by the sender, not left to a card that is not there.
OFFLOADS = (0x17, 0x1F, 0x24, 0x2C)


def plain(device):
    import ctypes

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for offload in OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("II", offload, 0))
            fcntl.ioctl(any_socket, SIOCETHTOOL, struct.pack("16sP", device.encode(), ctypes.addressof(value)))


class Relay:
    def __init__(self):
        self.ways, self.sockets, self.owner = {}, {}, {}
        self.under_way, self.number = [], itertools.count()

    def socket(self, port):
        if port not in self.sockets:
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            raw.bind((port, ETH_P_ALL))
            raw.setblocking(False)
            self.sockets[port] = raw
        return self.sockets[port]

    def order(self, line):
        words = line.split()
        if words == ["clear"]:
            self.ways.clear()
        else:
            come, go, *numbers = words
            self.ways[come, go] = [float(number) for number in numbers]
            self.socket(come), self.socket(go)
        print("done", flush=True)

    def take(self, port):
        while True:
            try:
                frame, address = self.sockets[port].recvfrom(FRAME_MAX)
            except OSError:
                return  # Nothing more for now; or the port went down, which is told once, and it may come up again.
            if address[2] == OUTGOING:
                continue
            self.owner[frame[6:12]] = port
            for (come, go), way in list(self.ways.items()):
                # The first byte of a group's address is odd. Nobody has spoken before its address is asked for.
                if come == port and (frame[0] & 1 or self.owner.get(frame[0:6]) == go):
                    self.send_later(go, frame, *way)

    def send_later(self, port, frame, delay, jitter, duplicates):
        copies = 2 if random.random() * 100 < duplicates else 1
        for _ in range(copies):
            late = max(0.0, delay + random.uniform(-jitter, jitter)) / 1000
            heapq.heappush(self.under_way, (time.monotonic() + late, next(self.number), port, frame))

    def deliver(self):
        while self.under_way and self.under_way[0][0] <= time.monotonic():
            _, _, port, frame = heapq.heappop(self.under_way)
            try:
                self.sockets[port].send(frame)
            except OSError:
                pass  # The port is down, or its queue is full: lost, as on any wire.

    def run(self):
        os.nice(-15)  # A wire does not wait for a processor.
        while True:
            ears = {raw.fileno(): port for port, raw in self.sockets.items()}
            left = self.under_way[0][0] - time.monotonic() if self.under_way else None
            ready, _, _ = select.select([sys.stdin, *ears], [], [], None if left is None else max(0.0, left))
            for ear in ready:
                if ear is sys.stdin:
                    line = sys.stdin.readline()
                    if not line:
                        return
                    self.order(line)
                else:
                    self.take(ears[ear])
            self.deliver()


if sys.argv[1:2] == ["plain"]:
    plain(sys.argv[2])
else:
    Relay().run()
