//! Links between the nodes of a cluster: mutual TLS, one connection per peer and lane.
