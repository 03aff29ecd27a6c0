#if MongoDB
    import BlockingConnection
    import CarillonTestSupport
    import Dispatch
    import MongoClient
    import Testing

    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct FailureTests {
        @Test(arguments: [true, false])
        func aServerThatIsKilledAndComesBack(replicaSet: Bool) async throws {
            let rig = try await Rig(replicaSet: replicaSet, threads: 2) { $0.selectionTimeout = .milliseconds(500) }
            let runs = rig.client.collection("runs")
            try await runs.insert(
                (0..<3000).map { ["_id": .int32($0), "text": .string(String(repeating: "x", count: 1000))] })
            let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
            let killed = DispatchSemaphore(value: 0)
            async let error = failure {
                var query = MongoQuery()
                query.batch = 100
                // Never taken up again in the middle.
                try await runs.scan(query) { batch in
                    guard batch.contains(where: { $0["_id"] == 0 }) else { return }
                    beginning.finish()
                    killed.wait()
                }
            }
            for await _ in begun {}
            await rig.server.kill()
            killed.signal()
            let lost = try await error
            #expect(lost.isUnavailable, "\(lost)")
            let down = try await failure { try await runs.count([:]) }
            #expect(down.kind == .unreachable, "\(down)")
            let unwritten = try await failure { try await runs.insert([["_id": -1]]) }
            #expect(unwritten.kind == .unreachable && unwritten.isOutcomeKnown, "\(unwritten)")
            try await rig.server.start()
            try await eventually("it answers") { (try? await runs.count([:])) == 3000 }
            try await runs.insert([["_id": -1]])
            // A connection that ended while nothing was asked on it.
            try await rig.server.restart()
            try await eventually("it answers again") { (try? await runs.count([:])) == 3001 }
            #expect(try await runs.deleteMany(["_id": -1]) == 1)
        }

        @Test func aServerThatStandsStill() async throws {
            let rig = try await Rig()
            let change = { @Sendable (configuration: inout MongoConfiguration) in
                configuration.callTimeout = .seconds(1)
                configuration.connectTimeout = .seconds(1)
                configuration.selectionTimeout = .seconds(1)
            }
            let (reader, writer, closing) = try (
                rig.another("", change), rig.another("", change), rig.another("", change)
            )
            for one in [reader, writer, closing] { #expect(try await one.collection("c").count([:]) == 0) }
            try await rig.server.suspend()
            let clock = ContinuousClock()
            let began = clock.now
            async let read = failure { try await reader.collection("c").count([:]) }
            async let written = failure { try await writer.collection("c").insert([["_id": 1]]) }
            async let unborn = failure { try await rig.another("", change).ping() }
            async let closed = failure { try await closing.collection("c").count([:]) }
            async let end: Void = closing.close()
            for error in [try await read, try await written] {
                #expect(error.isUnavailable, "\(error)")
            }
            #expect(try await written.isOutcomeKnown == false)
            #expect(try await unborn.kind == .unreachable)
            let ended = try await closed
            #expect(ended.isUnavailable || ended.kind == .closed, "\(ended)")
            await end
            // Both attempts, and the time-outs of the connections.
            #expect(.milliseconds(900) ... .seconds(60) ~= clock.now - began)
            print("a server that stands still, calls of 1 s: \(clock.now - began)")
            rig.server.resume()
            try await eventually("it answers") { (try? await reader.collection("c").count([:])) != nil }
            #expect(
                try await writer.collection("c").updateOne(["_id": 2], ["$set": ["a": 1]], upsert: true).upserted.count
                    == 1)
        }

        @Test func aServerThatAcceptsAndNeverAnswers() async throws {
            let server = try MongoFixture()
            try await server.start()
            try await server.suspend()
            let began = ContinuousClock.now
            let client = try Rig.client(server.address() + "?serverSelectionTimeoutMS=1000&connectTimeoutMS=1000")
            let error = try await failure { try await client.ping() }
            #expect(error.kind == .unreachable, "\(error)")
            await client.close()
            #expect(ContinuousClock.now - began < .seconds(60))
            print("a server that never answers, 1 s: \(ContinuousClock.now - began)")
        }

        @Test func aCancelledTaskLeavesItsThreadWithinTheBound() async throws {
            let rig = try await Rig(
                options: "?socketTimeoutMS=1000&connectTimeoutMS=1000&serverSelectionTimeoutMS=1000")
            #expect(try await rig.client.collection("c").count([:]) == 0)
            try await rig.server.suspend()
            let began = ContinuousClock.now
            let asking = Task { try await rig.client.collection("c").count([:]) }
            asking.cancel()
            let error = try await failure { try await asking.value }
            #expect(error.isUnavailable, "\(error)")
            #expect(ContinuousClock.now - began < .seconds(60))
            rig.server.resume()
            try await eventually("the thread is free") { (try? await rig.client.collection("c").count([:])) == 0 }
        }

        @Test(arguments: [0, 1, 16, 21, 40])
        func aReplyThatIsCutInTheMiddle(bytes: Int) async throws {
            let rig = try await Rig(replicaSet: false)
            let proxy = try await CuttingProxy(to: rig.server.port)
            let client = try Rig.client("mongodb://127.0.0.1:\(proxy.port)/carillon?serverSelectionTimeoutMS=2000")
            let runs = client.collection("runs")
            try await runs.insert([["_id": 1]])
            proxy.cut(afterReplyBytes: bytes)
            // A standalone server cannot tell whether it has done it, so it is not asked twice.
            let error = try await failure { try await runs.insert([["_id": 2]]) }
            #expect(error.isUnavailable, "\(error)")
            // The reply of a sign of life may be the one that was cut, and then nothing was asked.
            #expect(!error.isOutcomeKnown || error.kind == .unreachable)
            try await eventually("it answers") { (try? await runs.count(["_id": 1])) == 1 }
            proxy.cut(afterReplyBytes: bytes)
            // What reads is asked again.
            #expect(try await runs.findOne(["_id": 1]) == ["_id": 1])
            proxy.refuse(true)
            proxy.cutAll()
            let refused = try await failure {
                for _ in 0..<100 { _ = try await runs.count([:]) }
            }
            #expect(refused.isUnavailable, "\(refused)")
            proxy.refuse(false)
            try await eventually("it answers again") { (try? await runs.count(["_id": 1])) == 1 }
        }

        @Test func whatTheServerSaysOfItself() async throws {
            let rig = try await Rig(options: "?retryWrites=false&retryReads=false&heartbeatFrequencyMS=500")
            let runs = rig.client.collection("runs")
            try await runs.insert([["_id": 1]])
            let says: [(Int, MongoError.Kind, known: Bool)] = [
                (10107, .unreachable, true), (13435, .unreachable, true), (189, .lost, false), (91, .lost, false),
                (11602, .lost, false), (13, .refused, true), (50, .timedOut, true), (8000, .statement, true),
            ]
            for (code, kind, known) in says {
                try await rig.fail(["insert"], ["errorCode": .int32(Int32(code))])
                let error = try await failure { try await runs.insert([["_id": 2]]) }
                #expect(error.kind == kind && error.isOutcomeKnown == known && error.code == code, "\(error)")
                try await rig.fail(["find"], ["errorCode": .int32(Int32(code))])
                let read = try await failure { try await runs.findOne([:]) }
                #expect(read.kind == kind && read.code == code, "\(read)")
                // After some of these the library looks anew for a primary.
                try await eventually("it answers") { (try? await runs.count([:])) == 1 }
            }
            try await rig.fail(["insert"], ["closeConnection": true])
            let closed = try await failure { try await runs.insert([["_id": 2]]) }
            #expect(closed.kind == .lost && closed.code == nil && !closed.isOutcomeKnown, "\(closed)")
            try await eventually("it answers") { (try? await runs.count([:])) == 1 }
            // It was written, and did not reach the others in time.
            let concern: BSONDocument = ["code": 64, "errmsg": "waiting for replication timed out"]
            try await rig.fail(["insert"], ["writeConcernError": .document(concern)])
            let unsure = try await failure { try await runs.insert([["_id": 3]]) }
            #expect(unsure.kind == .timedOut && unsure.code == 64 && !unsure.isOutcomeKnown, "\(unsure)")
            #expect(try await runs.count([:]) == 2)
            try await rig.fail(["findAndModify"], ["writeConcernError": .document(concern)])
            let modified = try await failure { try await runs.findOneAndUpdate(["_id": 3], ["$set": ["a": 1]]) }
            #expect(modified.kind == .timedOut && !modified.isOutcomeKnown, "\(modified)")
        }

        @Test func aRefusedDocumentDoesNotHideALostCommand() async throws {
            let rig = try await Rig(options: "?retryWrites=false&heartbeatFrequencyMS=500")
            let runs = rig.client.collection("runs")
            try await runs.insert([["_id": 1]])
            let writes: [MongoWrite] = [
                .insert(["_id": 1]), .insert(["_id": 2]), .updateOne(["_id": 1], ["$set": ["a": 1]]),
            ]
            try await rig.fail(["update"], ["errorCode": 11600])
            let lost = try await failure { try await runs.write(writes) }
            #expect(lost.kind == .lost && lost.code == 11600, "\(lost)")
            try await eventually("it answers") { (try? await runs.count([:])) == 2 }
            try await rig.fail(["update"], ["closeConnection": true])
            let cut = try await failure { try await runs.write(writes) }
            #expect(cut.kind == .lost && cut.code == nil, "\(cut)")
            try await eventually("it answers") { (try? await runs.count([:])) == 2 }
            try await rig.fail(["update"], ["writeConcernError": ["code": 64, "errmsg": "late"]])
            let late = try await failure { try await runs.write(writes) }
            #expect(!late.isOutcomeKnown, "\(late)")
            #expect(try await runs.findOne(["_id": 1])?["a"] == 1)
            // Nothing was done by the command, but by the one before it.
            try await rig.fail(["update"], ["errorCode": 10107])
            let half = try await failure { try await runs.write(writes) }
            #expect(half.kind == .lost && half.message.hasSuffix("1 of 2 commands were carried out before"), "\(half)")
            try await eventually("it answers") { (try? await runs.count([:])) == 2 }
            // Nor does one that was too large to be sent along.
            let text = BSONValue.string(String(repeating: "x", count: 10_000_000))
            try await rig.fail(["insert"], ["closeConnection": true])
            let large = try await failure {
                try await runs.insert((10..<15).map { ["_id": .int32($0), "text": text] } + [["_id": 1]])
            }
            #expect(large.kind == .lost, "\(large)")
        }

        @Test func aReplicaSetIsAskedAgain() async throws {
            let rig = try await Rig()
            let runs = rig.client.collection("runs")
            try await runs.insert([["_id": 1]])
            for command in ["insert", "update", "findAndModify", "find"] {
                try await rig.fail([command], ["closeConnection": true])
                switch command {
                case "insert": #expect(try await runs.insert([["_id": 2]]).inserted == 1)
                case "update": #expect(try await runs.updateOne(["_id": 2], ["$inc": ["n": 1]]).modified == 1)
                case "find": #expect(try await runs.findOne(["_id": 2])?["n"] == 2)
                default: #expect(try await runs.findOneAndUpdate(["_id": 2], ["$inc": ["n": 1]])?["n"] == 2)
                }
            }
        }

        @Test func aPrimaryThatStepsDown() async throws {
            let rig = try await Rig(options: "?serverSelectionTimeoutMS=300&retryWrites=false")
            let runs = rig.client.collection("runs")
            try await runs.insert([["_id": 1]])
            _ = try await rig.client.run(["replSetStepDown": 3, "force": true], of: "admin")
            let down = try await failure { try await runs.insert([["_id": 2]]) }
            #expect(down.kind == .unreachable && down.isOutcomeKnown, "\(down)")
            try await eventually("there is a primary") { (try? await runs.insert([["_id": 3]]).inserted) == 1 }
            #expect(try await runs.count([:]) == 2)
        }
    }
#endif
