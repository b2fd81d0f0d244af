#!/usr/bin/env python3
"""Follows the leader of a group over Hotseat's plain HTTP API. Needs nothing but Python's own library.

    follow.py GROUP HOST:PORT [HOST:PORT ...]

Any one member is enough to begin with: the others are learnt from its answer, and learnt anew with every answer. A member
that does not answer, lags behind or is cut off is passed over. Prints one line for each change, as JSON.
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ANSWER_LIMIT = 1.0  # seconds: an agent answers from memory
CALM = 0.2  # seconds between two looks while somebody leads
SOON = 0.02  # seconds between two looks while nobody does
ANSWER_MAX = 16 << 20  # bytes

# Straight to the members, whatever proxy the environment names.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NoSuchGroup(Exception):
    """Every member that answers knows its groups, and this is none of them."""


class Follower:
    def __init__(self, group, seeds):
        self.group = group
        self.seeds = [seed if "://" in seed else "http://" + seed for seed in seeds]
        self.members = list(self.seeds)
        self.epoch = 0

    def look(self):
        """Who leads: a dict, or None while nobody does. Raises OSError when no member can tell."""
        unknown = None
        for url in list(self.members):
            try:
                found = self.ask(url)
            except NoSuchGroup as error:
                unknown = error
                continue
            except (OSError, ValueError, KeyError, TypeError):
                self.members.append(self.members.pop(0))
                continue
            return found
        # A member that does not answer may know it, but only if the others' files differ.
        if unknown and not self.epoch:
            raise unknown
        raise OSError("no member can tell")

    def ask(self, url):
        # The way to the leader is told to everybody; all else needs a token, or to be asked on the member's own machine.
        way = f"{url}/api/groups/{urllib.parse.quote(self.group, safe='')}/way"
        try:
            with opener.open(way, timeout=ANSWER_LIMIT) as answer:
                cluster = json.loads(answer.read(ANSWER_MAX))
        except urllib.error.HTTPError as refused:
            if refused.code == 404:
                raise NoSuchGroup(f"no group {self.group} at {url}: {json.loads(refused.read(ANSWER_MAX))['error']}") from None
            raise
        group = cluster["groups"][0]
        if group["epoch"] < self.epoch or cluster["lease_left_ms"] is None:
            raise ValueError("it lags behind, or is cut off")
        self.epoch = group["epoch"]
        learned = [member["address"] for member in group["members"]]
        # Who answered is asked first the next time.
        self.members = list(dict.fromkeys([url, *self.seeds, *learned]))
        if group["leader"] is None or not group["serving"]:
            return None
        leader = next(it for it in group["members"] if it["node"] == group["leader"])
        return {"node": leader["node"], "epoch": group["epoch"], "service": leader["service"]}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.strip())
    follower, shown = Follower(sys.argv[1], sys.argv[2:]), "nothing yet"
    while True:
        try:
            found = follower.look()
        except NoSuchGroup as error:
            sys.exit(f"error: {error}")
        except OSError as error:
            print(f"{error}; trying again", file=sys.stderr)
            time.sleep(CALM)
            continue
        if found != shown:
            shown = found
            print(json.dumps(found), flush=True)
        time.sleep(CALM if found else SOON)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
