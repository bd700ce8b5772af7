// Package hostfs is how a program with more rights than others opens what lies on its
// host. It keeps two promises:
//
// Nothing is read that whoever could have arranged it could not read. Paths are walked
// by one component at a time, from descriptor to descriptor, and links are resolved
// here and not by the kernel. As long as folder and link can be changed by root and the
// running user alone, that user's own rights are used. Behind the first component that
// somebody else could have put there, all is opened with the rights of that user: the
// file-system identity, the primary group, no other group and no capability, on a thread
// that ends with the call. Where several could have, or a group, or everyone, it is
// nobody's rights, without what is for user nobody alone. So the kernel decides; there is
// no check that a race could get behind. What was looked at is what is opened, through the
// same descriptor: a pipe or a device in its place is not even opened.
//
// What hangs, hangs alone. Each call has a limit. A file system that does not answer in
// time is not asked again before the call has come back, and nothing on other file
// systems waits for it. One thread is left behind for each such call, and their number
// is bounded.
//
// Who can change a component is told by owner and mode. The group bits of a file with a
// POSIX ACL are the mask of all that named users and groups are given, so that they cover
// the ACL: whoever may write through it is among "the group". What a file server allows
// beyond the mode that it shows cannot be known. The owners that a mounted file system
// tells are believed, for who mounted it was root; unless it is a FUSE of some user, which
// that user could have arranged.
//
// Another user than root cannot take on somebody's identity. Then capabilities are
// dropped, the kernel decides by what the running user may, and each component has
// besides to be open, by its mode, to the user who could have arranged it.
//
// It is for Linux, and needs /proc.
package hostfs
