import DequeModule
import NIOCore

/// One connection: what was sent, and whose reply comes next. On its event loop only.
final class Connection {
    /// Whose reply comes, and how many of them in a row.
    private struct Expected {
        enum Kind {
            case greeting
            case script(RedisScript)
            case replies(Batch)
            /// A call of a script the server turned out not to have, sent again; and its place.
            case again(Batch, Int)
        }

        let kind: Kind
        var left: Int
    }

    let configuration: RedisConfiguration
    private let loop: any EventLoop
    private let greet: RedisClient.Greeter
    private weak var line: Line?
    private var channel: (any Channel)?
    private var parser: ReplyParser
    private var greeting: Greeting
    private var isGreeted = false
    private var hasEnded = false
    private var expected = Deque<Expected>()
    private var commandsInFlight = 0
    private var bytesInFlight = 0
    private var outgoing = ByteBuffer()
    private var incoming: [RedisValue] = []
    private var digests: [RedisScript: ByteBuffer] = [:]
    private var loading = 0
    /// Whose scripts are being loaded, or could not be: it goes as it is when the loading ends.
    private weak var asked: Batch?
    private var greetingTimer: Scheduled<Void>?
    private var patience: Scheduled<Void>?
    /// When the last byte came, or the first reply began to be awaited.
    private var quietSince = NIODeadline.uptimeNanoseconds(0)

    init(_ configuration: RedisConfiguration, loop: any EventLoop, line: Line, greet: @escaping RedisClient.Greeter) {
        self.configuration = configuration
        self.loop = loop
        self.line = line
        self.greet = greet
        parser = ReplyParser(largestReply: configuration.largestReply)
        greeting = Greeting(configuration)
    }

    // MARK: Opening

    /// Begins; `Line.greeted` or `Line.ended` follows, never at once.
    func open() {
        let me = NIOLoopBound(self, eventLoop: loop)
        let limit = configuration.connectTimeout
        greetingTimer = loop.scheduleTask(in: .microseconds(limit)) {
            let address = me.value.configuration.address
            me.value.end(RedisError(.unreachable, "\(address): no greeting within \(limit / 1000) ms"))
        }
        Dialer(configuration: configuration, loop: loop).dial { Receiver() }.whenComplete { result in
            switch result {
            case .success(let channel): me.value.use(channel)
            case .failure(let error): me.value.fail(error)
            }
        }
    }

    private func use(_ channel: any Channel) {
        guard !hasEnded, channel.isActive,
            let receiver = try? channel.pipeline.syncOperations.handler(type: Receiver.self)
        else {
            channel.close(promise: nil)
            return hungUp()
        }
        self.channel = channel
        receiver.connection = self
        if configuration.tls == nil { sayHello() }
    }

    /// Greets after the TLS handshake; not a word, least of all the password, before the certificate's name is right.
    func secured() {
        guard let channel, let tls = configuration.tls, !hasEnded else { return }
        if tls.verify, let name = Dialer.name(configuration) {
            do {
                try PeerName.check(channel.pipeline.syncOperations, name: name)
            } catch {
                return end(RedisError(error.code, "\(configuration.address): \(error.message)"))
            }
        }
        sayHello()
    }

    private func sayHello() {
        expected.append(Expected(kind: .greeting, left: greeting.commands.count))
        for command in greeting.commands { command.write(to: &outgoing, digest: nil) }
        flush()
    }

    private func greeted() {
        do {
            try greet(try greeting.outcome())
        } catch {
            return end(error)
        }
        isGreeted = true
        greetingTimer?.cancel()
        line?.greeted(self)
    }

    // MARK: Sending

    /// Puts a batch into what the next `flush` sends; false when it has to wait, for room or for its scripts.
    func take(_ batch: Batch) -> Bool {
        let call = batch.call
        guard loading == 0, !hasEnded,
            commandsInFlight == 0
                || commandsInFlight + call.commands.count <= configuration.mostInFlight
                    && bytesInFlight + call.size <= configuration.mostBufferedBytes
        else { return false }
        if call.hasScripts, asked !== batch {
            load(call)
            asked = batch
            if loading > 0 { return false }
        }
        for command in call.commands {
            command.write(to: &outgoing, digest: command.script.flatMap { digests[$0] })
        }
        if expected.isEmpty { quietSince = loop.now }
        commandsInFlight += call.commands.count
        bytesInFlight += call.size
        expected.append(Expected(kind: .replies(batch), left: call.commands.count))
        return true
    }

    private func load(_ call: Call) {
        var wanted: Set<RedisScript> = []
        for case let script? in call.commands.lazy.map(\.script) where digests[script] == nil {
            guard wanted.insert(script).inserted else { continue }
            RedisCommand("SCRIPT", "LOAD", script.source).write(to: &outgoing, digest: nil)
            if expected.isEmpty { quietSince = loop.now }
            expected.append(Expected(kind: .script(script), left: 1))
            loading += 1
        }
    }

    /// Sends what was taken, in one write.
    func flush() {
        guard outgoing.readableBytes > 0, let channel else { return }
        let bytes = outgoing
        outgoing = ByteBuffer()
        channel.writeAndFlush(bytes, promise: nil)
        watch()
    }

    // MARK: Receiving

    func receive(_ bytes: ByteBuffer) {
        guard !hasEnded else { return }
        quietSince = loop.now
        var failure: RedisError?
        var replies = incoming
        incoming = []
        do throws(RedisError) {
            try parser.parse(bytes, into: &replies)
        } catch {
            failure = error
        }
        for reply in replies where !hasEnded { deliver(reply) }
        replies.removeAll(keepingCapacity: replies.count <= 1024)
        incoming = replies
        if let failure { end(RedisError(failure.code, "\(configuration.address): \(failure.message)")) }
    }

    /// Pumps and flushes after the last `receive` of a read.
    func received() {
        guard !hasEnded else { return }
        line?.pump()
        flush()
    }

    private func deliver(_ reply: RedisValue) {
        guard !expected.isEmpty else { return unasked(reply) }
        expected[0].left -= 1
        let kind = expected[0].kind
        if expected[0].left == 0 { expected.removeFirst() }
        switch kind {
        case .greeting:
            if greeting.add(reply) { greeted() }
        case .script(let script):
            loading -= 1
            // Without it the script goes as its source, and the server says there what is wrong with it.
            if case .string(let digest) = reply, digest.readableBytes == 40 {
                digests[script] = ByteBuffer(bytes: digest.readableBytesView)
            }
        case .replies(let batch):
            if case .error(let error) = reply, let script = batch.call.commands[batch.received].script,
                error.prefix == "NOSCRIPT"
            {
                repeatCall(of: script, in: batch)
            } else if batch.add(reply) {
                release(batch)
            }
        case .again(let batch, let index):
            if batch.fill(index, reply) { release(batch) }
        }
    }

    /// Loads a script that was flushed and calls it, both by `EVAL`; the next batch that uses it loads it for good.
    private func repeatCall(of script: RedisScript, in batch: Batch) {
        digests[script] = nil
        let index = batch.skip()
        batch.call.commands[index].write(to: &outgoing, digest: nil)
        expected.append(Expected(kind: .again(batch, index), left: 1))
    }

    private func release(_ batch: Batch) {
        commandsInFlight -= batch.call.commands.count
        bytesInFlight -= batch.call.size
    }

    private func unasked(_ reply: RedisValue) {
        let what = reply.error.map { "says \($0.message)" } ?? "sent a reply that nobody asked for"
        end(RedisError(.protocolError, "\(configuration.address): the server \(what)"))
    }

    // MARK: Time

    /// Keeps one timer while replies are awaited, and sets it anew only when it rings.
    private func watch() {
        guard patience == nil, isGreeted, !expected.isEmpty, !hasEnded else { return }
        let me = NIOLoopBound(self, eventLoop: loop)
        patience = loop.scheduleTask(deadline: quietSince + .microseconds(configuration.replyTimeout)) {
            me.value.looked()
        }
    }

    private func looked() {
        patience = nil
        guard !expected.isEmpty, loop.now >= quietSince + .microseconds(configuration.replyTimeout) else {
            return watch()
        }
        let limit = configuration.replyTimeout / 1000
        end(RedisError(.timedOut, "\(configuration.address): no byte of a reply within \(limit) ms"))
    }

    // MARK: Ending

    func hungUp() { end(RedisError(.closed, "\(configuration.address): the server closed the connection")) }

    /// Ends it by `close` of the client; answers when the socket is closed.
    func close() -> EventLoopFuture<Void> {
        end(.clientClosed)
        return channel?.closeFuture ?? loop.makeSucceededVoidFuture()
    }

    func fail(_ error: any Error) { end(RedisError(error, at: configuration.address)) }

    /// Closes the channel and fails what is in flight; only the first end counts.
    func end(_ error: RedisError) {
        guard !hasEnded else { return }
        hasEnded = true
        greetingTimer?.cancel()
        patience?.cancel()
        channel?.close(promise: nil)
        var error = error
        if !isGreeted { error = greeting.explain(error) } else if error.code == .unreachable { error.code = .closed }
        // The line first: a caller that hears of the end and sends again gets a new connection.
        line?.ended(self, error)
        for one in expected {
            switch one.kind {
            case .replies(let batch), .again(let batch, _): batch.call.end(.failure(error))
            case .greeting, .script: break
            }
        }
        expected = []
        outgoing = ByteBuffer()
    }
}
