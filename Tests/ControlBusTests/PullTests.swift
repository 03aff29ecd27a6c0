import CarillonTestSupport
import ControlBus
import Foundation
import Glibc
import Testing

/// The pull port, and the token of both.
@Suite(.timeLimit(.minutes(5))) struct PullTests {
    private static func message(_ task: some CustomStringConvertible) -> String {
        #"{"cmd":"stop","taskID":"\#(task)"}"#
    }

    @Test func eachOrderGoesToOnePullerInOrder() async throws {
        let rig = try Rig()
        try await rig.serving { () async throws in
            let first = try rig.pull.open()
            let second = try rig.pull.open()
            #expect(try await rig.order("delete", "a/ü") == "OK")
            #expect(try await SocketClient.read(first) == #"{"cmd":"delete","taskID":"a/ü"}"#)
            #expect(try await rig.order("stop", "b") == "OK")
            #expect(try await SocketClient.read(second) == Self.message("b"))
            // What is no order is nobody's, and an order that could not be carried out is.
            #expect(try await rig.order("dance", "c").hasPrefix("ERROR"))
            #expect(try await rig.order("stop", "unknown").hasPrefix("ERROR"))
            #expect(try await rig.pull.ask("") == Self.message("unknown"))
        }
    }

    @Test func theNewestHundredAreKept() async throws {
        let rig = try Rig()
        try await rig.serving { () async throws in
            for number in 0..<120 { #expect(try await rig.order("stop", "\(number)") == "OK") }
            for number in 20..<120 { #expect(try await rig.pull.ask("") == Self.message(number)) }
        }
    }

    @Test func aPullerThatLeavesTakesNothingAlong() async throws {
        let rig = try Rig()
        try await rig.serving { () async throws in
            for round in 0..<100 {
                for _ in 0..<round % 3 {
                    let leaving = try rig.pull.open()
                    if round.isMultiple(of: 4) { try await Task.sleep(for: .milliseconds(2)) }
                    try await Self.leave(leaving)
                }
                try rig.tell("stop", "\(round)")
                let told = try await rig.pull.ask("")
                #expect(told == Self.message(round), "round \(round)")
            }
        }
    }

    /// Closes a connection, and returns when the kernel has brought the news of it to the other end, which on a busy machine it
    /// does a moment later: what has been sent is answered for then, and so is its end (RFC 9293, FIN-WAIT-1).
    private static func leave(_ descriptor: Int32) async throws {
        shutdown(descriptor, Int32(SHUT_WR))
        try await eventually("the other end knows") {
            var info = tcp_info()
            var size = socklen_t(MemoryLayout<tcp_info>.size)
            getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &size)
            return Int(info.tcpi_state) != TCP_ESTABLISHED && Int(info.tcpi_state) != TCP_FIN_WAIT1
        }
        close(descriptor)
    }

    @Test func theOldestPullerGivesWay() async throws {
        let rig = try Rig()
        try await rig.serving { () async throws in
            // Three may wait.
            let pullers = try (0..<4).map { _ in try rig.pull.open() }
            #expect(try await SocketClient.read(pullers[0]) == "")
            for (number, puller) in pullers.enumerated().dropFirst() {
                #expect(try await rig.order("stop", "\(number)") == "OK")
                #expect(try await SocketClient.read(puller) == Self.message(number))
            }
        }
    }

    @Test func withoutTheTokenNobodyIsHeard() async throws {
        let rig = try Rig(token: "sesame-open")
        let (wrong, fault) = (try Rig(token: "sesame-shut"), "ERROR: the token is missing or wrong")
        try await rig.serving { () async throws in
            for token in [nil, "", "sesame", "sesame-shut", "sesame-opensesame-open", "sesame-open "] {
                #expect(try await rig.push.ask(Rig.line("stop", "a", token: token)) == fault)
                let pass = token.map { #"{"token":"\#($0)"}"# } ?? "{}"
                #expect(try await rig.pull.ask(pass + "\n") == fault)
            }
            #expect(try await rig.push.ask(#"{"token":1}"# + "\n") == "ERROR: token: expected text")
            #expect(try await rig.push.ask(#"{"token":"sesame-open"}"# + "\n") == "ERROR: the request has no cmd")
            #expect(try await rig.order("stop", "a") == "OK")
            let line = Array(#"{"token":"sesame-open"}"#.utf8) + [0x0a]
            #expect(try await rig.pull.ask(line.map { [$0] }) == Self.message("a"))
            // Silent ones do not keep a puller out, nor do they hear anything.
            var idle: [Int32] = []
            defer { for one in idle { close(one) } }
            for _ in 0..<50 { idle.append(try rig.pull.open()) }
            let puller = try rig.pull.open()
            SocketClient.write(line, to: puller)
            #expect(try await rig.order("stop", "b") == "OK")
            #expect(try await SocketClient.read(puller) == Self.message("b"))
        }
        #expect(rig.record.ended.map(\.task) == ["a", "b"] && wrong.record.begun.isEmpty)
        #expect(!rig.record.lines.contains { $0.contains("sesame") })
        let configuration = try rig.configuration
        var dumped = "\(configuration) "
        dump(configuration, to: &dumped)
        #expect(!dumped.contains("sesame"))
    }

    @Test func anOpenHostNeedsAToken() throws {
        for host in ["127.0.0.1", "127.9.9.9", "::1", "localhost"] { _ = try ControlBusConfiguration(host: host) }
        for host in ["0.0.0.0", "::", "192.0.2.1", "fe80::1", "::ffff:127.0.0.1", "bus.example", "", "128.0.0.1"] {
            let error = #expect(throws: ControlBus.Unusable.self) { try ControlBusConfiguration(host: host) }
            #expect(error?.description.contains("it needs a token") == true)
            _ = try ControlBusConfiguration(host: host, token: "sesame")
        }
        for (push, pull, token) in [(0, 1, nil), (65_536, 1, nil), (8_005, 8_005, nil), (1, 2, "")]
            as [(Int, Int, String?)]
        {
            #expect(throws: ControlBus.Unusable.self) {
                try ControlBusConfiguration(pushPort: push, pullPort: pull, token: token)
            }
        }
        #expect("\(try ControlBusConfiguration(host: "::1"))" == "[::1]:8005 and [::1]:8006")
    }

    @Test func anotherHostsAddressIsNone() async throws {
        let configuration = try ControlBusConfiguration(host: "192.0.2.1", token: "sesame")
        let record = Record()
        let bus = ControlBus(configuration, logger: .recording(record)) { _ in nil }
        var error = #expect(throws: ControlBus.Unusable.self) { try ControlBus.check(configuration) }
        #expect(error?.description.hasPrefix("the bus cannot listen on 192.0.2.1:8005: ") == true)
        error = await #expect(throws: ControlBus.Unusable.self) { try await bus.run() }
        #expect(error?.description.hasPrefix("the bus cannot listen on 192.0.2.1:8005: ") == true)
    }
}
