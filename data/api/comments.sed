# Plain comments as doxygen's: the first of a file is the file's, one before a declaration is that declaration's, one behind it too; @name is
# an argument or a member.
s/@\([a-z_][a-z_]*\)/`\1`/g
1s|^/\* |/** \\file\n * |
s|^\( *\)/\* |\1/** |
s|\([^ ].*\)/\* |\1/**< |
