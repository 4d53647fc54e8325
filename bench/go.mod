module llmproxy/bench

go 1.22
