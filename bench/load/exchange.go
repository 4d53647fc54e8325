package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

const patience = 2 * time.Minute

// client has one connection, kept alive. It is leaner than http.Client, so that more of the machine is left for the server.
type client struct {
	address    string
	connection net.Conn
	reader     *bufio.Reader
}

func (c *client) close() {
	if c.connection != nil {
		c.connection.Close()
		c.connection = nil
	}
}

// send sends a request and reads the head of the answer. A server may close an idle connection at any time: then the request
// has not been read, and is sent once more.
func (c *client) send(request []byte, deadline time.Time) (*http.Response, error) {
	reused := c.connection != nil
	if !reused {
		connection, err := net.Dial("tcp", c.address)
		if err != nil {
			return nil, err
		}
		c.connection = connection
		c.reader = bufio.NewReader(connection)
	}
	c.connection.SetDeadline(deadline)
	_, err := c.connection.Write(request)
	if err == nil {
		_, err = c.reader.Peek(1)
	}
	if err != nil {
		c.close()
		if reused && !errors.Is(err, os.ErrDeadlineExceeded) {
			return c.send(request, deadline)
		}
		return nil, err
	}
	return http.ReadResponse(c.reader, &http.Request{Method: "POST"})
}

// timing is what was measured of one request, from the moment when it was due.
type timing struct {
	end   time.Duration
	first time.Duration
	gaps  []time.Duration
}

// exchange is a request, with what is expected of its answer.
type exchange struct {
	address    string
	request    []byte
	kind       string
	status     int
	breaks     bool
	leave      int
	leaveAfter time.Duration
	chunks     int
	calls      int
}

// run sends the request and checks the answer. It returns the id of the answer, or "".
func (e *exchange) run(c *client, due time.Time) (*timing, string, error) {
	t := &timing{}
	deadline := time.Now().Add(patience)
	if e.leaveAfter > 0 {
		deadline = time.Now().Add(e.leaveAfter)
		defer c.close()
		// A connection of its own: a request that is sent twice could not be told from two requests.
		c.close()
	}
	response, err := c.send(e.request, deadline)
	if err != nil {
		if e.leaveAfter > 0 && errors.Is(err, os.ErrDeadlineExceeded) {
			return t, "", nil
		}
		return t, "", kind(err)
	}
	id := response.Header.Get("x-request-id")
	if e.leaveAfter > 0 {
		return t, id, errors.New("an answer came before the client left")
	}
	if e.kind == "stream" && response.StatusCode == 200 && e.status == 200 {
		err = e.stream(t, response.Body, due)
	} else {
		err = e.whole(response)
	}
	if err != nil || e.leave > 0 || response.Close {
		c.close()
	}
	t.end = time.Since(due)
	return t, id, err
}

// kind leaves out what differs from one request to the next, such as ports.
func kind(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return os.ErrDeadlineExceeded
	}
	return err
}

func (e *exchange) whole(response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return kind(err)
	}
	if response.StatusCode != e.status {
		return fmt.Errorf("status %d: %s", response.StatusCode, body)
	}
	var answer struct {
		Error   *struct{ Message string }
		Choices []struct {
			Message      struct{ Content string }
			FinishReason string `json:"finish_reason"`
		}
		Usage *struct {
			TotalTokens int `json:"total_tokens"`
		}
		Data []struct{ Embedding []float64 }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	switch {
	case e.status != 200:
		if answer.Error == nil || answer.Error.Message == "" {
			return fmt.Errorf("no error object: %s", body)
		}
	case e.kind == "embeddings":
		if len(answer.Data) != 1 || len(answer.Data[0].Embedding) != 64 {
			return fmt.Errorf("not the vector: %s", body)
		}
	case len(answer.Choices) != 1 || answer.Choices[0].Message.Content != e.text() || answer.Choices[0].FinishReason != "stop":
		return fmt.Errorf("not the answer: %s", body)
	case answer.Usage == nil || answer.Usage.TotalTokens == 0:
		return fmt.Errorf("no usage: %s", body)
	}
	return nil
}

// text is the whole answer of the provider.
func (e *exchange) text() string {
	var text strings.Builder
	for i := range e.chunks {
		fmt.Fprintf(&text, "word%d ", i)
	}
	return text.String()
}

func (e *exchange) stream(t *timing, body io.Reader, due time.Time) error {
	var text strings.Builder
	var finished, done, broken bool
	var started, ended, chunks int
	var last time.Time
	lines := bufio.NewReaderSize(body, 4096)
	for {
		line, err := lines.ReadSlice('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("cut after %d chunks: %w", chunks, kind(err))
		}
		data, found := bytes.CutPrefix(line, []byte("data:"))
		if !found {
			continue
		}
		data = bytes.TrimSpace(data)
		if string(data) == "[DONE]" {
			done = true
			continue
		}
		var event struct {
			Error   *struct{ Message string }
			Choices []struct {
				Delta        struct{ Content string }
				FinishReason *string `json:"finish_reason"`
			}
			Tool, Status string
		}
		if err := json.Unmarshal(data, &event); err != nil {
			return fmt.Errorf("not JSON: %s", data)
		}
		if event.Error != nil {
			broken = true
		}
		if event.Tool == "calculator" && event.Status == "started" {
			started++
		}
		if event.Tool == "calculator" && event.Status == "completed" {
			ended++
		}
		for _, choice := range event.Choices {
			finished = finished || choice.FinishReason != nil && *choice.FinishReason == "stop"
			if choice.Delta.Content == "" {
				continue
			}
			text.WriteString(choice.Delta.Content)
			now := time.Now()
			if chunks == 0 {
				t.first = now.Sub(due)
			} else {
				t.gaps = append(t.gaps, now.Sub(last))
			}
			last = now
			chunks++
		}
		if e.leave > 0 && chunks >= e.leave {
			return nil
		}
	}
	switch {
	case e.breaks && broken && !done && !finished:
		return nil
	case e.breaks || broken:
		return fmt.Errorf("error event %t, expected %t, done %t, finish reason %t", broken, e.breaks, done, finished)
	case e.leave > 0:
		return fmt.Errorf("the stream ended after %d chunks, before the client left", chunks)
	case text.String() != e.text():
		return fmt.Errorf("not the text: %.60q …", text.String())
	case !finished || !done:
		return fmt.Errorf("finish reason %t, [DONE] %t", finished, done)
	case started != e.calls || ended != e.calls:
		return fmt.Errorf("%d of %d tools started and %d ended", started, e.calls, ended)
	}
	return nil
}
