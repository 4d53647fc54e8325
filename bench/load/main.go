// Command load sends requests to a server that speaks OpenAI's API and checks that every answer is whole.
//
// Without -rate each client sends its next request when it has the answer to the last one. With -rate requests begin at fixed
// times, and latency counts from there, so that a slow server cannot slow down the load. The result is a JSON object on
// standard output. The exit status is 1 if an answer was not as expected.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/url"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
)

// result collects what happened.
type result struct {
	mutex                sync.Mutex
	sent, whole          int
	wrong                map[string]int
	latency, first, gaps []time.Duration
	answers              *os.File
}

func (r *result) add(t *timing, id string, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.sent++
	if r.answers != nil && id != "" {
		fmt.Fprintln(r.answers, id)
	}
	if err != nil {
		text := err.Error()
		r.wrong[text[:min(len(text), 300)]]++
		return
	}
	r.whole++
	r.latency = append(r.latency, t.end)
	if t.first > 0 {
		r.first = append(r.first, t.first)
	}
	r.gaps = append(r.gaps, t.gaps...)
}

// milliseconds returns the quantile q of durations in ms; it sorts them.
func milliseconds(durations []time.Duration, q float64) float64 {
	if len(durations) == 0 {
		return 0
	}
	sort.Slice(durations, func(i, j int) bool { return durations[i] < durations[j] })
	rank := min(len(durations)-1, int(q*float64(len(durations))))
	return float64(durations[rank].Microseconds()) / 1000
}

func main() {
	log.SetFlags(0)
	base := flag.String("url", "", "base URL, http://…/v1; loopback only")
	key := flag.String("key", "", "API key")
	model := flag.String("model", "mock", "model")
	kind := flag.String("kind", "plain", "plain, stream, embeddings or garbage (a body that is not JSON)")
	scriptText := flag.String("script", "", "script of the provider, e.g. wait=50ms gap=20ms chunks=20")
	chunks := flag.Int("chunks", 20, "words of the answer")
	promptBytes := flag.Int("prompt-bytes", 0, "length of a filler in the prompt")
	calls := flag.Int("calls", 0, "calls of the server's calculator in each chat")
	status := flag.Int("status", 200, "the expected HTTP status")
	breaks := flag.Bool("breaks", false, "expect a stream that ends with an error event")
	leave := flag.Int("leave", 0, "leave after that many chunks of a stream")
	leaveAfter := flag.Duration("leave-after", 0, "leave after this time without waiting for the answer")
	clients := flag.Int("clients", 1, "clients at once; with -rate the most requests at once")
	rate := flag.Float64("rate", 0, "requests a second")
	seconds := flag.Float64("seconds", 0, "how long to begin requests (0: see -requests)")
	requests := flag.Int("requests", 0, "how many requests (0: see -seconds)")
	ramp := flag.Duration("ramp", 0, "time over which the clients begin")
	answers := flag.String("answers", "", "file that gets the x-request-id of each answer")
	flag.Parse()

	target, err := url.Parse(*base)
	if err != nil {
		log.Fatal(err)
	}
	if ip := net.ParseIP(target.Hostname()); ip == nil || !ip.IsLoopback() {
		log.Fatalf("load: %s is not a loopback address", target.Hostname())
	}
	if *seconds == 0 && *requests == 0 {
		log.Fatal("load: say -seconds or -requests")
	}
	r := &result{wrong: map[string]int{}}
	if *answers != "" {
		if r.answers, err = os.Create(*answers); err != nil {
			log.Fatal(err)
		}
	}
	words := *scriptText + fmt.Sprintf(" chunks=%d", *chunks)
	if *calls > 0 {
		words += fmt.Sprintf(" calls=%d", *calls)
	}
	exchange := &exchange{
		kind: *kind, status: *status, breaks: *breaks, leave: *leave, leaveAfter: *leaveAfter, chunks: *chunks, calls: *calls,
		address: target.Host,
		request: request(target, *key, body(*kind, *model, words, *promptBytes, *calls)),
	}
	begin := time.Now()
	end := begin.Add(time.Duration(*seconds * float64(time.Second)))
	if *rate > 0 {
		atFixedRate(exchange, r, *rate, *clients, begin, end, *requests)
	} else {
		inTurns(exchange, r, *clients, *ramp, end, *seconds > 0, *requests)
	}
	took := time.Since(begin)
	output := map[string]any{
		"sent": r.sent, "whole": r.whole, "seconds": took.Seconds(), "per_second": float64(r.whole) / took.Seconds(),
		"p50_ms": milliseconds(r.latency, .5), "p99_ms": milliseconds(r.latency, .99),
		"first_p50_ms": milliseconds(r.first, .5), "first_p99_ms": milliseconds(r.first, .99),
		"gap_p50_ms": milliseconds(r.gaps, .5), "gap_p99_ms": milliseconds(r.gaps, .99),
		"wrong": r.wrong,
	}
	json.NewEncoder(os.Stdout).Encode(output)
	if r.whole != r.sent {
		os.Exit(1)
	}
}

// inTurns runs clients of which each waits for its answer before it sends the next request.
func inTurns(e *exchange, r *result, clients int, ramp time.Duration, end time.Time, timed bool, requests int) {
	tickets := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(tickets)
		for i := 0; requests == 0 || i < requests; i++ {
			select {
			case tickets <- struct{}{}:
			case <-stop:
				return
			}
		}
	}()
	if timed {
		time.AfterFunc(time.Until(end), func() { close(stop) })
	}
	var all sync.WaitGroup
	for i := range clients {
		all.Add(1)
		go func() {
			defer all.Done()
			time.Sleep(ramp * time.Duration(i) / time.Duration(clients))
			c := &client{address: e.address}
			defer c.close()
			for range tickets {
				t, id, err := e.run(c, time.Now())
				r.add(t, id, err)
			}
		}()
	}
	all.Wait()
}

// atFixedRate begins requests at fixed times. It uses the connection that was used last, so that it needs no more than a client's
// pool of connections would.
func atFixedRate(e *exchange, r *result, rate float64, most int, begin, end time.Time, requests int) {
	var mutex sync.Mutex
	var idle []*client
	take := func() *client {
		mutex.Lock()
		defer mutex.Unlock()
		if len(idle) == 0 {
			return &client{address: e.address}
		}
		c := idle[len(idle)-1]
		idle = idle[:len(idle)-1]
		return c
	}
	free := make(chan struct{}, most)
	var all sync.WaitGroup
	for i := 0; requests == 0 || i < requests; i++ {
		due := begin.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if end.After(begin) && due.After(end) {
			break
		}
		time.Sleep(time.Until(due))
		free <- struct{}{}
		c := take()
		all.Add(1)
		go func() {
			defer all.Done()
			t, id, err := e.run(c, due)
			r.add(t, id, err)
			mutex.Lock()
			idle = append(idle, c)
			mutex.Unlock()
			<-free
		}()
	}
	all.Wait()
	for _, c := range idle {
		c.close()
	}
}

// body returns the JSON of a request.
func body(kind, model, script string, promptBytes, calls int) []byte {
	prompt := "<script " + script + "> What is the capital of France, and how many people live there?"
	if promptBytes > 0 {
		filler := "Paris is the capital of France. "
		prompt += " " + strings.Repeat(filler, promptBytes/len(filler)+1)[:promptBytes]
	}
	content := map[string]any{"model": model}
	switch kind {
	case "garbage":
		return []byte(`{"model": "mock", "messages": [`)
	case "embeddings":
		content["input"] = prompt
	case "plain", "stream":
		content["messages"] = []map[string]string{
			{"role": "system", "content": "You are a helpful assistant. Answer briefly."},
			{"role": "user", "content": prompt},
		}
		content["temperature"] = 0.7
		content["max_tokens"] = 256
		if kind == "stream" {
			content["stream"] = true
		}
		if calls > 0 {
			content["tools"] = []map[string]string{{"type": "calculator"}}
		}
	default:
		log.Fatalf("load: there is no kind %q", kind)
	}
	encoded, err := json.Marshal(content)
	if err != nil {
		log.Fatal(err)
	}
	return encoded
}

// request returns all bytes of a request.
func request(target *url.URL, key string, body []byte) []byte {
	path := "/chat/completions"
	if strings.Contains(string(body), `"input":`) {
		path = "/embeddings"
	}
	head := fmt.Sprintf("POST %s%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		target.Path, path, target.Host, key, len(body))
	return append([]byte(head), body...)
}
