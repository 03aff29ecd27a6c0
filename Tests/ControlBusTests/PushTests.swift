import CarillonTestSupport
import ControlBus
import Glibc
import ServiceLifecycle
import Testing

/// The push port, on a real socket.
@Suite(.timeLimit(.minutes(5))) struct PushTests {
    private let rig: Rig

    init() throws { rig = try Rig() }

    @Test func eachOrderHasItsAnswer() async throws {
        try await rig.serving { () async throws in
            #expect(try await rig.order("stop", "a") == "OK")
            #expect(try await rig.order("disable", "ü \\\" }") == "OK")
            #expect(try await rig.push.ask(#" {"more": [1], "taskID": "a", "cmd": "delete"} "# + "\r\n{") == "OK")
            #expect(try await rig.order("stop", "unknown") == "ERROR: there is no task 'unknown'")
        }
        #expect(
            rig.record.ended == [
                BusOrder(.stop, task: "a"), BusOrder(.disable, task: "ü \" }"), BusOrder(.delete, task: "a"),
                BusOrder(.stop, task: "unknown"),
            ])
    }

    @Test(arguments: [
        (#"{"cmd":"dance","taskID":"a"}"#, "ERROR: unknown cmd; expected one of stop, disable, delete"),
        (#"{"cmd":"Stop","taskID":"a"}"#, "ERROR: unknown cmd; expected one of stop, disable, delete"),
        (#"{"taskID":"a"}"#, "ERROR: the request has no cmd"), (#"{"cmd":"stop"}"#, "ERROR: the request has no taskID"),
        (#"{"cmd":"stop","taskID":7}"#, "ERROR: taskID: expected text"),
        (#"{"cmd":null,"taskID":"a"}"#, "ERROR: cmd: expected text"),
        (#"{"cmd":"stop","taskID":""}"#, "ERROR: taskID: expected a task's id"),
        (#"{"cmd":"stop","taskID":"a"#, "ERROR: expected one JSON object, such as {"),
        (#"[{"cmd":"stop","taskID":"a"}]"#, "ERROR: expected one JSON object, such as {"),
        ("null", "ERROR: expected one JSON object"), ("", "ERROR: expected one JSON object"),
        ("hello\u{0}", "ERROR: expected one JSON object"),
        (String(repeating: "[", count: 60_000), "ERROR: expected one JSON object"),
    ])
    func whatIsNoOrderIsTold(_ text: String, _ answer: String) async throws {
        try await rig.serving { () async throws in
            #expect(try await rig.push.ask(text + "\n").hasPrefix(answer))
            #expect(try await rig.order("stop", "b") == "OK")
        }
        #expect(rig.record.begun == [BusOrder(.stop, task: "b")])
    }

    @Test func aLineMayComeByteByByteOrWithoutItsEnd() async throws {
        try await rig.serving { () async throws in
            let line = Array(Rig.line("stop", "ü").utf8)
            #expect(try await rig.push.ask(line.map { [$0] }) == "OK")
            #expect(try await rig.push.ask([line.dropLast()], finish: true) == "OK")
        }
        #expect(rig.record.ended.count == 2)
    }

    @Test func aClientNeedNotWaitForTheAnswer() async throws {
        try await rig.serving { () async throws in
            for number in 0..<90 { try rig.tell("stop", "\(number)") }
            try await eventually("all are carried out") { rig.record.ended.count == 90 }
            #expect(Set(rig.record.ended.map(\.task)).count == 90)
        }
    }

    @Test func aLineThatIsTooLongIsRefused() async throws {
        try await rig.serving { () async throws in
            // The answer, or a connection that ends before all of it was taken.
            for count in [64 << 10, 4 << 20] {
                let line = Array(Rig.line("stop", String(repeating: "a", count: count)).utf8)
                let answer = (try? await rig.push.ask([line])) ?? ""
                #expect(answer.isEmpty || answer.hasPrefix("ERROR: a request has at most 65536 bytes"))
            }
            #expect(try await rig.order("stop", String(repeating: "a", count: 65_000)) == "OK")
        }
        #expect(rig.record.ended.count == 1)
    }

    @Test func aLineThatNeverEndsIsToldAfterFiveSeconds() async throws {
        try await rig.serving { () async throws in
            let answer = try await rig.push.ask([Array(Rig.line("stop", "a").utf8.dropLast())])
            #expect(answer == "ERROR: the request was not complete within 5 s")
        }
        #expect(rig.record.begun.isEmpty)
    }

    @Test func manySilentConnectionsKeepNoOrderOut() async throws {
        try await rig.serving { () async throws in
            var idle: [Int32] = []
            defer { for one in idle { close(one) } }
            for number in 0..<300 {
                idle.append(try rig.push.open())
                if number.isMultiple(of: 30) { #expect(try await rig.order("stop", "a") == "OK") }
            }
            #expect(try await rig.order("stop", "a") == "OK")
            try rig.tell("delete", "b")
            try await eventually("it is carried out") { rig.record.ended.last?.task == "b" }
        }
    }

    @Test func randomBytesHarmNobody() async throws {
        try await rig.serving { () async throws in
            var random = SplitMix64.announced()
            let line = Array(Rig.line("delete", "fuzz").utf8)
            for round in 0..<3_000 {
                var bytes = (0..<Int.random(in: 0...100, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                if round.isMultiple(of: 2) {
                    // An order of another shape, and never this one.
                    bytes = line.prefix(Int.random(in: 1..<line.count - 2, using: &random)) + [0xff] + bytes
                }
                let client = round.isMultiple(of: 3) ? rig.pull : rig.push
                let descriptor = try client.open()
                SocketClient.write(bytes, to: descriptor)
                close(descriptor)
                if round.isMultiple(of: 100) { #expect(try await rig.order("stop", "a") == "OK") }
            }
            #expect(try await rig.order("stop", "a") == "OK")
        }
        #expect(Set(rig.record.begun) == [BusOrder(.stop, task: "a")])
    }

    @Test func ordersOfATaskKeepTheirOrderAndOthersDoNotWait() async throws {
        try await rig.serving { () async throws in
            rig.record.hold(true)
            try rig.tell("stop", "a")
            try rig.tell("disable", "a")
            try rig.tell("delete", "a")
            try rig.tell("stop", "b")
            try await eventually("both have begun") { rig.record.begun.count == 2 }
            #expect(Set(rig.record.begun) == [BusOrder(.stop, task: "a"), BusOrder(.stop, task: "b")])
            rig.record.hold(false)
            try await eventually("all are carried out") { rig.record.ended.count == 4 }
            #expect(rig.record.ended.filter { $0.task == "a" }.map(\.command) == [.stop, .disable, .delete])
        }
    }

    @Test func aHundredOrdersMayWait() async throws {
        try await rig.serving { () async throws in
            rig.record.hold(true)
            for number in 0..<100 { try rig.tell("stop", "\(number % 10)") }
            try await eventually("ten have begun") { rig.record.begun.count == 10 }
            var answer = ""
            // The last of the hundred may still be on their way.
            for _ in 0..<10 where answer.isEmpty { answer = try await rig.order("stop", "x") }
            #expect(answer == "ERROR: too many requests")
            rig.record.hold(false)
            try await eventually("all are carried out") { rig.record.ended.count == 100 }
            #expect(try await rig.order("stop", "x") == "OK")
        }
    }

    @Test func aTakenPortIsSaid() async throws {
        try await rig.serving { () async throws in
            let configuration = try rig.configuration
            let why = "another daemon or keiji's bus listens on 127.0.0.1:\(rig.pushPort); stop it first"
            var error = #expect(throws: ControlBus.Unusable.self) { try ControlBus.check(configuration) }
            #expect(error?.description == why)
            let second = ControlBus(configuration, logger: .recording(rig.record)) { _ in nil }
            error = await #expect(throws: ControlBus.Unusable.self) { try await second.run() }
            #expect(error?.description == why)
            // The push port is free, and is again once the pull port turned out not to be.
            let free = try ControlBusConfiguration(pushPort: try FreePort.find(), pullPort: rig.pullPort)
            let third = ControlBus(free, logger: .recording(rig.record)) { _ in nil }
            error = await #expect(throws: ControlBus.Unusable.self) { try await third.run() }
            #expect(error?.description.contains("127.0.0.1:\(rig.pullPort);") == true)
            try ControlBus.check(ControlBusConfiguration(pushPort: free.pushPort, pullPort: try FreePort.find()))
            #expect(try await rig.order("stop", "a") == "OK")
        }
        let configuration = try rig.configuration
        try await eventually("the ports are free again") { (try? ControlBus.check(configuration)) != nil }
    }

    @Test func aGracefulShutdownCarriesOutWhatCameAndEndsTheRest() async throws {
        // Nobody is to be refused on a slow machine before the shutdown comes.
        let bus = ControlBus(
            try rig.configuration, patience: 60, logger: .recording(rig.record), carryOut: rig.record.carryOut)
        let group = ServiceGroup(services: [bus], logger: .recording(rig.record))
        async let run: Void = group.run()
        try await eventually("it listens") { rig.record.lines.contains { $0.contains("listening for") } }
        rig.record.hold(true)
        let (asked, silent, puller) = (try rig.push.open(), try rig.push.open(), try rig.pull.open())
        SocketClient.write(Array(Rig.line("stop", "a").utf8), to: asked)
        try await eventually("it has begun") { rig.record.begun.count == 1 }
        // The order was told to the puller, so another one waits.
        #expect(try await SocketClient.read(puller) == #"{"cmd":"stop","taskID":"a"}"#)
        let waiting = try rig.pull.open()
        await group.triggerGracefulShutdown()
        #expect(try await SocketClient.read(silent) == "")
        #expect(try await SocketClient.read(waiting) == "")
        #expect(throws: (any Error).self) { try rig.push.open() }
        rig.record.hold(false)
        #expect(try await SocketClient.read(asked) == "OK")
        try await run
    }
}
