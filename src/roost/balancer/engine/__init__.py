"""The balancer's decisions: pure, without sockets, clocks or randomness of its own.

exchange       puts the rest together: clients and nodes in, frames and outboxes out

client side:
sessions       one client's connection: its lines, how far they are acknowledged, its rate limit
client_info    where a client comes from, and which proxies to believe about it
proxy_header   the PROXY protocol, versions 1 and 2
admission      how many connections there may be, and from whom
timeouts       registration, idle and ping time-outs
waiting_room   sessions without a node: first come, first served
websocket      IRC lines as WebSocket messages, and which web pages may connect

node side:
node_pool      the nodes, what each holds, and which one gets the next client
health         health checks: probes, reports, hold-down of flapping nodes
strategy       least connections with slow start, and round robin among equals
rebalancing    whether nodes are uneven, and how many sessions make them even
moves          which sessions move: off draining nodes, and to even the others out
detach_queue   closed sessions, each until a node confirms
orders         operators' orders, and the answers to them
statistics     what the balancer looks like from outside

between them:
line_batcher   clients' lines to nodes, collected into batches; pacing says for how long
inbox          what a node has sent, and clients have not been shown yet
showing        so much of it in each turn
relay          nodes' deliveries to the outboxes of clients, by group
outbox         outboxes to writes

tools: token_bucket, timer_wheel, expiry_queue (equal time-outs), limits (checks of configuration)
"""
