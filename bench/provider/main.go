// Command provider is a scripted provider in OpenAI's format: chats, whole and streamed, and embeddings.
//
// The last user message may contain a script, e.g. <script wait=50ms gap=20ms chunks=20>:
//
//	wait    time before the answer, or before the first chunk of a stream (0)
//	gap     time between two chunks (0)
//	chunks  words of the answer, each a chunk of a stream (20)
//	status  answers with this HTTP status and an error (200)
//	cut     closes the connection after that many chunks (never)
//	calls   first calls the tool calculator that often, then answers (0)
//
// The answer is the words "word0 word1 …". GET /stats counts requests by model.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const dimensions = 64

type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

type request struct {
	Model         string    `json:"model"`
	Messages      []message `json:"messages"`
	Stream        bool      `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	Input json.RawMessage `json:"input"`
}

type script struct {
	wait, gap                  time.Duration
	chunks, status, cut, calls int
}

func parseScript(text string) (script, error) {
	result := script{chunks: 20, status: 200, cut: -1}
	_, rest, found := strings.Cut(text, "<script ")
	if !found {
		return result, nil
	}
	fields, _, _ := strings.Cut(rest, ">")
	var problem error
	for _, field := range strings.Fields(fields) {
		name, value, _ := strings.Cut(field, "=")
		var err error
		switch name {
		case "wait":
			result.wait, err = time.ParseDuration(value)
		case "gap":
			result.gap, err = time.ParseDuration(value)
		case "chunks":
			result.chunks, err = strconv.Atoi(value)
		case "status":
			result.status, err = strconv.Atoi(value)
		case "cut":
			result.cut, err = strconv.Atoi(value)
		case "calls":
			result.calls, err = strconv.Atoi(value)
		default:
			err = errors.New("unknown field " + name)
		}
		problem = errors.Join(problem, err)
	}
	return result, problem
}

// script returns the script of the last user message, or of the input of embeddings. Tools that have run already are not
// called again.
func (q *request) script() (script, error) {
	if len(q.Messages) == 0 {
		return parseScript(string(q.Input))
	}
	answered := false
	for i := len(q.Messages) - 1; i >= 0; i-- {
		switch q.Messages[i].Role {
		case "tool":
			answered = true
		case "user":
			var text string
			if err := json.Unmarshal(q.Messages[i].Content, &text); err != nil {
				return script{}, err
			}
			result, err := parseScript(text)
			if answered {
				result.calls = 0
			}
			return result, err
		}
	}
	return parseScript("")
}

// count is how the requests of a model ended.
type count struct {
	Requests int `json:"requests"`
	Complete int `json:"complete"`
	// The client left before the end.
	Left int `json:"left"`
	// Ended as the script demands: with an error status or a closed connection.
	Scripted int `json:"scripted"`
	Open     int `json:"open"`
	// Streams that are open and have had their first chunk.
	Streaming int `json:"streaming"`
}

type provider struct {
	key    string
	mutex  sync.Mutex
	counts map[string]*count
}

func (p *provider) update(model string, change func(*count)) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.counts[model] == nil {
		p.counts[model] = &count{}
	}
	change(p.counts[model])
}

func (p *provider) stats(w http.ResponseWriter, _ *http.Request) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	json.NewEncoder(w).Encode(p.counts)
}

// outcome is how a request ended.
type outcome int

const (
	complete outcome = iota
	left
	scripted
)

type answer struct {
	*provider
	w        http.ResponseWriter
	r        *http.Request
	question request
	script   script
	prompt   int
}

// serve answers a request that one of the two functions below writes.
func (p *provider) serve(write func(*answer) outcome) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+p.key {
			fail(w, 401, "The provider got a wrong key")
			return
		}
		a := &answer{provider: p, w: w, r: r}
		var body bytes.Buffer
		body.Grow(int(max(0, r.ContentLength)) + bytes.MinRead)
		_, err := body.ReadFrom(r.Body)
		if err == nil {
			err = json.Unmarshal(body.Bytes(), &a.question)
		}
		if err == nil {
			a.script, err = a.question.script()
		}
		if err != nil {
			fail(w, 400, err.Error())
			return
		}
		a.prompt = max(1, body.Len()/4)
		p.update(a.question.Model, func(c *count) { c.Requests++; c.Open++ })
		end := left
		defer func() {
			p.update(a.question.Model, func(c *count) {
				c.Open--
				switch end {
				case complete:
					c.Complete++
				case scripted:
					c.Scripted++
				default:
					c.Left++
				}
			})
		}()
		if a.script.status != 200 {
			if a.wait(a.script.wait) {
				fail(w, a.script.status, "The script demands this status")
				end = scripted
			}
			return
		}
		if end = write(a); end == scripted {
			panic(http.ErrAbortHandler)
		}
	}
}

// wait returns false if the client leaves meanwhile.
func (a *answer) wait(duration time.Duration) bool {
	if duration <= 0 {
		return a.r.Context().Err() == nil
	}
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-a.r.Context().Done():
		return false
	case <-timer.C:
		return true
	}
}

func (a *answer) chat() outcome {
	if a.question.Stream {
		return a.stream()
	}
	if !a.wait(a.script.wait) {
		return left
	}
	if a.script.cut >= 0 {
		return scripted
	}
	message, reason := fmt.Sprintf(`{"role":"assistant","content":%q}`, words(a.script.chunks)), "stop"
	if a.script.calls > 0 {
		message, reason = `{"role":"assistant","content":null,"tool_calls":`+calls(a.script.calls)+`}`, "tool_calls"
	}
	return a.whole(fmt.Sprintf(
		`{"id":"chatcmpl-bench","object":"chat.completion","created":%d,"model":%q,"choices":[{"index":0,"message":%s,"logprobs":null,"finish_reason":%q}],"usage":%s}`,
		time.Now().Unix(), a.question.Model, message, reason, a.usage()))
}

func (a *answer) whole(body string) outcome {
	a.w.Header().Set("Content-Type", "application/json")
	a.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if _, err := a.w.Write([]byte(body)); err != nil {
		return left
	}
	return complete
}

func (a *answer) stream() outcome {
	a.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	head := fmt.Sprintf(`data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":%d,"model":%q,"choices":[`,
		time.Now().Unix(), a.question.Model)
	begin := time.Now()
	chunk := func(delta, reason string) bool {
		_, err := fmt.Fprintf(a.w, "%s{\"index\":0,\"delta\":%s,\"logprobs\":null,\"finish_reason\":%s}]}\n\n", head, delta, reason)
		a.w.(http.Flusher).Flush()
		return err == nil
	}
	reason := `"stop"`
	if a.script.calls > 0 {
		if !a.wait(a.script.wait) || !chunk(`{"role":"assistant","tool_calls":`+calls(a.script.calls)+`}`, "null") {
			return left
		}
		reason = `"tool_calls"`
	} else {
		for i := range a.script.chunks {
			// Each chunk has its time from the beginning, so that a late one does not delay the next ones.
			due := begin.Add(a.script.wait + time.Duration(i)*a.script.gap)
			if !a.wait(time.Until(due)) {
				return left
			}
			if i == a.script.cut {
				return scripted
			}
			role := ""
			if i == 0 {
				role = `"role":"assistant",`
			}
			if !chunk(`{`+role+`"content":"word`+strconv.Itoa(i)+` "}`, "null") {
				return left
			}
			if i == 0 {
				a.update(a.question.Model, func(c *count) { c.Streaming++ })
				defer a.update(a.question.Model, func(c *count) { c.Streaming-- })
			}
		}
	}
	end := head + `{"index":0,"delta":{},"logprobs":null,"finish_reason":` + reason + "}]}\n\n"
	if a.question.StreamOptions.IncludeUsage {
		end += head + `],"usage":` + a.usage() + "}\n\n"
	}
	if _, err := a.w.Write([]byte(end + "data: [DONE]\n\n")); err != nil || a.r.Context().Err() != nil {
		return left
	}
	return complete
}

func (a *answer) embeddings() outcome {
	if !a.wait(a.script.wait) {
		return left
	}
	vector := strings.TrimSuffix(strings.Repeat("0.0625,", dimensions), ",")
	return a.whole(fmt.Sprintf(
		`{"object":"list","data":[{"object":"embedding","index":0,"embedding":[%s]}],"model":%q,"usage":{"prompt_tokens":%d,"total_tokens":%d}}`,
		vector, a.question.Model, a.prompt, a.prompt))
}

func (a *answer) usage() string {
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, a.prompt, a.script.chunks, a.prompt+a.script.chunks)
}

func words(number int) string {
	var text strings.Builder
	for i := range number {
		fmt.Fprintf(&text, "word%d ", i)
	}
	return text.String()
}

func calls(number int) string {
	list := make([]string, number)
	for i := range list {
		list[i] = fmt.Sprintf(
			`{"index":%d,"id":"call_%d","type":"function","function":{"name":"calculator","arguments":"{\"expression\":\"%d * 7\"}"}}`, i, i, i+1)
	}
	return "[" + strings.Join(list, ",") + "]"
}

func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	if status == 429 {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"message":%q,"type":"scripted","param":null,"code":null}}`, text)
}

func main() {
	address := flag.String("address", "127.0.0.1:0", "address to listen on")
	key := flag.String("key", "", "the key that requests must have")
	flag.Parse()
	p := &provider{key: *key, counts: map[string]*count{}}
	http.HandleFunc("POST /v1/chat/completions", p.serve((*answer).chat))
	http.HandleFunc("POST /v1/embeddings", p.serve((*answer).embeddings))
	http.HandleFunc("GET /stats", p.stats)
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
