package bench

// broadcastGroup compares a broadcast by Post with writes to the peers that read.
func broadcastGroup() Group {
	return Group{
		Name:  "broadcast",
		Title: "A broadcast past peers that do not read",
		Words: "A server posts one message of 512 B to 10,000 connections over TCP, of which 100 do not read and have full queues; " +
			"an operation is all of these. writes is WritePrepared to the 9,900 others.",
		Units: []string{"ns/op"},
		Rest:  true,
		Rows: []Row{
			{Name: "Broadcast/stalled", What: "10,000 connections, 100 stalled", Libraries: []string{Ours, "writes"},
				Goals: []Goal{faster(1.05, "writes")}, Limit: "The 9,900 system calls take nearly all of the time of both."},
		},
	}
}

// membersGroup compares Group with a mutex and a map.
func membersGroup() Group {
	return Group{
		Name:  "members",
		Title: "Members of a group",
		Words: "One of 100,000 connections leaves a group and enters it again, or ends. map is a mutex and a map, from which the program removes a connection before CloseNow.",
		Units: []string{"ns/op", "B/op", "allocs/op"},
		Rest:  true,
		Rows: []Row{
			{Name: "Members/enter-and-leave", What: "leaves and enters again", Libraries: []string{Ours, "map"}},
			{Name: "Members/end", What: "ends", Libraries: []string{Ours, "map"}},
		},
	}
}
