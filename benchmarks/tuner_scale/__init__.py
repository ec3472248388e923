"""What the tuner of a thousand services costs: queries, CPU, memory, and writes to the API server.

`python -m benchmarks.tuner_scale [SERVICES] [MINUTES]` runs on a real etcd and kube-apiserver, a real
Prometheus (`e2e.prometheus`), and the operator as a process of its own, without kopf around its manager.

- SERVICES (1,000) services, each in a namespace of its own, with a promise of two objectives, one ready pod,
  and a limits file. Six in ten are tuned in Auto, three in Recommend, one not at all. There is no kubelet:
  pods are written. The operator creates what belongs to them.
- The operator is killed and starts anew. `restart` is half of MINUTES (10) from there on, the first
  cycle among them.
- `kept` are the MINUTES after that: all promises are kept.
- `broken` are MINUTES from the moment at which 5 % of the services get more load than they can serve. The
  tuner may have mended that before they are over: `slo_met` tells of their end.

A thousand engines are too dear for two cores. A few virtual ones (`benchmarks.virtual`) run in real
time, and each service shows the series of one of them under its own labels, with the limits that its own pod
was told. All whose promise will break share one engine, which keeps to what the first of them is told.

Prometheus scrapes each service every 5 s, as the chart's does, and only what the operator asks for: the other
lines of a vLLM would load Prometheus and change no answer. It is real, not a stand-in, for its times of
scrapes and for its own count of queries and bytes.

- `engines`: the virtual engines, their text, and who shows it.
- `cluster`: services and pods.
- `prometheus`: the process, and what it counted.
- `operator`: the measured process, a line for each cycle.
- `figures`: what the lines of a phase come to.
"""
