.PHONY: verify test hunt bench
