#!/bin/sh
# Moves an elastic IP to this machine, for [group.floating]:
#
#   command = ["/etc/hotseat/move-elastic-ip.sh", "eipalloc-0123456789abcdef0"]
#
# Hotseat runs it on the new leader, in the guard's tree: it is dead before a later leader's begins, and it is run again
# until it exits with 0. What it has *sent* may still arrive late, so the address itself carries the epoch as a tag, and
# an older epoch gives way to it. Needs the AWS CLI, and a role that may call these three.
set -eu
address=$1
token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
instance=$(curl -sf -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/instance-id)

known() {
    aws ec2 describe-addresses --allocation-ids "$address" --output text \
        --query "Addresses[0].Tags[?Key=='hotseat-epoch']|[0].Value"
}

seen=$(known)
case $seen in '' | None) seen=0 ;; esac
if [ "$seen" -gt "$HOTSEAT_EPOCH" ]; then
    echo "epoch $HOTSEAT_EPOCH of $HOTSEAT_NODE is over: the address belongs to epoch $seen" >&2
    exit 1
fi
aws ec2 create-tags --resources "$address" --tags "Key=hotseat-epoch,Value=$HOTSEAT_EPOCH" "Key=hotseat-node,Value=$HOTSEAT_NODE"
aws ec2 associate-address --allocation-id "$address" --instance-id "$instance" --allow-reassociation >/dev/null
# Whoever tagged after us was later, and has moved it or will: then this was not the last word, and must not seem so.
[ "$(known)" = "$HOTSEAT_EPOCH" ]
